"""WebHDFS by hand, without us: how the tests put in place what a case begins with, and see what it left."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request


class Web:
    """Of an Hdfs (server.py); paths begin with '/'."""

    def __init__(self, hdfs, user="tests"):
        self.hdfs, self.user = hdfs, user

    def call(self, method, path, op, data=None, **words):
        query = urllib.parse.urlencode({"op": op, "user.name": self.user, **words})
        first = url = f"{self.hdfs.http}{urllib.parse.quote(path)}?{query}"
        for _ in range(60):
            request = urllib.request.Request(url, method=method, data=data)
            try:
                with urllib.request.urlopen(request) as answer:
                    return answer.read()
            except urllib.error.HTTPError as error:
                if error.code != 307:
                    raise
                url = error.headers["Location"]
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError):
                    raise
                url = first  # a DataNode that has ended, of which the NameNode does not know yet
                time.sleep(0.5)
        raise RuntimeError(f"{op} {path}: no DataNode can be reached")

    def put(self, path, data):
        where = json.loads(self.call("PUT", path, "CREATE", noredirect="true", overwrite="true"))["Location"]
        with urllib.request.urlopen(urllib.request.Request(where, method="PUT", data=data)) as answer:
            answer.read()

    def make(self, path):
        self.call("PUT", path, "MKDIRS")

    def get(self, path):
        """The bytes, or None where nothing is."""
        try:
            return self.call("GET", path, "OPEN")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def entries(self, path):
        """(name, kind) of all that is there, hidden or not; nothing where there is no directory."""
        try:
            listing = json.loads(self.call("GET", path, "LISTSTATUS"))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise
        return sorted((entry["pathSuffix"], entry["type"]) for entry in listing["FileStatuses"]["FileStatus"])

    def names(self, path):
        return [name for name, _ in self.entries(path)]

    def look(self, path):
        """A file's bytes, a directory's {name: what is there}, or None."""
        entries = self.entries(path)
        if entries == [("", "FILE")]:
            return self.get(path)
        if entries or self.status(path):
            return {name: self.look(f"{path}/{name}") for name, _ in entries}
        return None

    def status(self, path):
        """What the NameNode says of it, or None."""
        try:
            return json.loads(self.call("GET", path, "GETFILESTATUS"))["FileStatus"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def length(self, path):
        return self.status(path)["length"]

    def make_old(self, path, hours=1):
        """A file or a directory, as if it had been changed an hour ago."""
        then = int((time.time() - hours * 3600) * 1000)
        self.call("PUT", path, "SETTIMES", modificationtime=str(then), accesstime=str(then))

    def make_all_old(self, path, hours=1):
        for name, kind in self.entries(path):
            if kind == "DIRECTORY":
                self.make_all_old(f"{path}/{name}", hours)
            self.make_old(f"{path}/{name}", hours)

    def put_tree(self, path, tree):
        """What look() gives."""
        for name, what in tree.items():
            if isinstance(what, dict):
                self.put_tree(f"{path}/{name}", what)
            else:
                self.put(f"{path}/{name}", what)

    def remove(self, path):
        self.call("DELETE", path, "DELETE", recursive="true")
