#!/usr/bin/env python3
"""Starts the servers that the store tests run against; for a person, ./dev servers.

    server.py hdfs [option...]                   prints its ports and addresses as JSON; until ^C
    server.py hdfs [option...] -- command...     runs the command, with the addresses in its environment

What is started listens on free ports of 127.0.0.1, keeps its data under build/servers, and ends with the process
that started it, however that ends. What it needs is fetched by ./dev (tools/suites.sh, need_hdfs).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "servers"
JARS = ROOT / ".cache" / "hdfs" / "jars"
KDC_JARS = ROOT / ".cache" / "kdc" / "jars"
SETTING = "  <property><name>{}</name><value>{}</value></property>\n"


class Kdc:
    """Kerberos (kdc/Kdc.java), with the users hdfs and HTTP of servers, and ada."""

    def __init__(self):
        PLACE.mkdir(parents=True, exist_ok=True)
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="kdc-", dir=PLACE))
        with open(PLACE / "kdc.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    *("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"),
                    *("-cp", f"{PLACE}/kdc:{KDC_JARS}/*", "Kdc", self.place),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        told = self.process.stdout.readline()
        if not told:
            self.close()
            raise RuntimeError(f"the KDC did not start: see {PLACE}/kdc.log")
        self.realm, self.configuration = told.split()
        # Names as they are said: what a name server makes of them is no principal here.
        text = pathlib.Path(self.configuration).read_text()
        self.of_clients = self.place / "client.conf"
        self.of_clients.write_text(
            text.replace("[libdefaults]", "[libdefaults]\n    rdns = false\n    dns_canonicalize_hostname = false")
        )

    @property
    def settings(self):
        """Of a secured HDFS."""
        keytab = str(self.place / "server.keytab")
        server, web = f"hdfs/localhost@{self.realm}", f"HTTP/localhost@{self.realm}"
        made = {
            "hadoop.security.authentication": "kerberos",
            "hadoop.http.filter.initializers": "org.apache.hadoop.hdfs.web.AuthFilterInitializer",
            "hadoop.http.authentication.type": "kerberos",
            "dfs.block.access.token.enable": "true",
            "ignore.secure.ports.for.testing": "true",
            "dfs.namenode.kerberos.internal.spnego.principal": web,
        }
        for node in ("namenode", "datanode"):
            made |= {f"dfs.{node}.kerberos.principal": server, f"dfs.{node}.keytab.file": keytab}
        for one in ("hadoop.http", "dfs.web"):
            made |= {f"{one}.authentication.kerberos.principal": web, f"{one}.authentication.kerberos.keytab": keytab}
        return made

    @property
    def ticket(self):
        """The environment in which ada has one, without kinit."""
        return {**self.no_ticket, "KRB5_CLIENT_KTNAME": str(self.place / "client.keytab")}

    @property
    def no_ticket(self):
        return {"KRB5_CONFIG": str(self.of_clients), "KRB5CCNAME": f"FILE:{self.place}/tickets"}

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Hdfs:
    """A NameNode and DataNodes in one process (hdfs/Hdfs.java).

    pair           two NameNodes, named hdfs://pair; the second stands by
    block_bytes    the size of blocks where the writer names none
    list_limit     the entries in a page of a listing
    simulated      blocks are counted and not kept: what is read is not what was written
    kdc            it is secured by this Kerberos
    apart          each DataNode has an IP address of its own, as where hosts have one each
    settings       others, by Hadoop's names
    """

    def __init__(
        self, data_nodes=3, pair=False, block_bytes=None, list_limit=None, simulated=False, kdc=None, apart=False, settings=()
    ):
        self.settings = {**(kdc.settings if kdc else {}), **dict(settings)}
        if block_bytes:
            self.settings["dfs.blocksize"] = block_bytes
        if list_limit:
            self.settings["dfs.ls.limit"] = list_limit
        if apart:
            self.settings["lamella.tests.apart"] = "true"
        if simulated:
            factory = "org.apache.hadoop.hdfs.server.datanode.SimulatedFSDataset$Factory"
            self.settings["dfs.datanode.fsdataset.factory"] = factory
        PLACE.mkdir(parents=True, exist_ok=True)
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="hdfs-", dir=PLACE))
        self.lock = threading.Lock()
        self.log = PLACE / "hdfs.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    *("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"),
                    "--add-opens=java.base/java.lang=ALL-UNNAMED",
                    *([f"-Djava.security.krb5.conf={kdc.configuration}"] if kdc else []),
                    f"-Djava.util.logging.config.file={PLACE}/hdfs/logging.properties",
                    *("-cp", f"{PLACE}/hdfs:{JARS}/*", "Hdfs", self.place, "2" if pair else "1", str(data_nodes)),
                    *(f"{name}={value}" for name, value in self.settings.items()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        ports = self.process.stdout.readline()
        if not ports:
            self.close()
            raise RuntimeError(f"HDFS did not start: see {self.log}")
        self.ports = json.loads(ports)
        self.http_ports = [node["http"] for node in self.ports["name_nodes"]]
        self.url = f"webhdfs://127.0.0.1:{self.http_ports[0]}"
        self.rpc_url = self.ports["default"]
        self.http = f"http://127.0.0.1:{self.http_ports[0]}/webhdfs/v1"
        self.configuration = self.place / "conf"
        self.configure(self.configuration, self.http_ports)

    def configure(self, place, http_ports):
        """A directory as HADOOP_CONF_DIR names one; the ports may be those of a proxy."""
        place.mkdir(exist_ok=True)
        core = {"fs.defaultFS": self.rpc_url}
        hdfs = {"dfs.namenode.http-address": f"127.0.0.1:{http_ports[0]}"}
        if len(http_ports) > 1:
            ids = [f"nn{i}" for i in range(1, len(http_ports) + 1)]
            hdfs = {"dfs.nameservices": "pair", "dfs.ha.namenodes.pair": ",".join(ids)}
            for name, node, port in zip(ids, self.ports["name_nodes"], http_ports):
                hdfs[f"dfs.namenode.rpc-address.pair.{name}"] = f"127.0.0.1:{node['rpc']}"
                hdfs[f"dfs.namenode.http-address.pair.{name}"] = f"127.0.0.1:{port}"
        for name, pairs in (("core-site.xml", core), ("hdfs-site.xml", hdfs)):
            text = "".join(SETTING.format(*setting) for setting in pairs.items())
            (place / name).write_text(f"<configuration>\n{text}</configuration>\n")

    def request(self, op, **words):
        with self.lock:
            self.process.stdin.write(json.dumps({"op": op, **words}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline() or '{"message": "it has ended"}')
        if not answer.get("ok"):
            raise RuntimeError(f"{op}: {answer['message']}")
        return answer

    def shell(self, *words):
        """`hdfs dfs WORDS`, which is Java's own client: its status, and the bytes it printed."""
        out = self.place / "out"
        status = self.request("shell", words=[str(word) for word in words], out=str(out))["status"]
        return status, out.read_bytes()

    def stop_data_node(self, node):
        self.request("stop", node=node)

    def invent_parts(self, directory, count, size):
        """part-00000 and so on, of nearly `size` simulated bytes each, which nobody has to write."""
        return self.request("parts", directory=directory, count=count, bytes=size)["bytes"]

    def token(self, out):
        """A delegation token: as text, and in the file `out`, as YARN hands it out."""
        return self.request("token", out=str(out))["text"]

    def fail_over(self):
        self.request("fail_over")

    def safe_mode(self, on):
        self.request("safe_mode", on=on)

    @property
    def environment(self):
        return {
            "LAMELLA_TEST_STORE": self.url,
            "LAMELLA_TEST_HDFS": self.url,
            "LAMELLA_TEST_HDFS_RPC": self.rpc_url,
            "HADOOP_CONF_DIR": str(self.configuration),
        }

    def close(self):
        self.process.stdin.close()
        self.process.wait(180)  # a busy machine, and many small files to be removed
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def setting(text):
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


def main(words):
    end = words.index("--") if "--" in words else len(words)
    words, command = words[:end], words[end + 1 :]
    parser = argparse.ArgumentParser(prog="./dev servers", epilog="-- COMMAND...: run it, then end")
    parser.add_argument("system", choices=["hdfs"])
    parser.add_argument("--data-nodes", type=int, default=3, metavar="N")
    parser.add_argument("--pair", action="store_true", help="two NameNodes, of which one stands by")
    parser.add_argument("--block-bytes", type=int, metavar="N", help="128 MiB otherwise; 512 and above")
    parser.add_argument("--list-limit", type=int, metavar="N", help="entries in a page of a listing")
    parser.add_argument("--simulated", action="store_true", help="count the blocks, keep nothing")
    parser.add_argument("-D", dest="settings", action="append", default=[], type=setting, metavar="NAME=VALUE")
    options = vars(parser.parse_args(words))
    options.pop("system")
    with Hdfs(**options) as hdfs:
        if command:
            return subprocess.run(command, env={**os.environ, **hdfs.environment}, check=False).returncode
        print(json.dumps({"url": hdfs.url, "pid": hdfs.process.pid, **hdfs.ports, **hdfs.environment}), flush=True)
        try:
            hdfs.process.wait()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
