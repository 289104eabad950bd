"""What a Spark session knows of file systems: paths as Spark takes them, Hadoop's configuration, Java's errors."""
from __future__ import annotations

import contextlib
import os
import uuid

from .._errors import (
    ArgumentError,
    Error,
    ExistsError,
    IOError,
    NotFoundError,
    PermissionDeniedError,
    UnsuitableError,
    UnsupportedError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from .._options import PathLike

_BY_CLASS: dict[str, type[Error]] = {
    "FileNotFoundException": NotFoundError,
    "ParentNotDirectoryException": NotFoundError,
    "FileAlreadyExistsException": ExistsError,
    "AccessControlException": PermissionDeniedError,
    "IllegalArgumentException": ArgumentError,
    "UnsupportedOperationException": UnsupportedError,
    "UnsupportedFileSystemException": UnsupportedError,
}
_CODES = {NotFoundError: "LM_NOT_FOUND", ExistsError: "LM_EXISTS", PermissionDeniedError: "LM_PERMISSION"}
_ERRNO = {NotFoundError: 2, ExistsError: 17, PermissionDeniedError: 13}

# What a client of HDFS needs of Hadoop's configuration to find the NameNodes.
_FINDS_HDFS = ("fs.defaultFS", "dfs.nameservices", "dfs.ha.namenodes", "dfs.namenode.", "dfs.http.policy")


def java_error(error: Any, doing: str) -> Error:
    """A Py4JJavaError as one of ours; the class of Java's is its `code` where we have no name for it."""
    java = error.java_exception
    name = str(java.getClass().getName())
    said = str(java.getMessage() or name).split("\n\tat", 1)[0].strip()
    kind = _BY_CLASS.get(name.rsplit(".", 1)[-1], IOError)
    text = f"{doing}: {said} ({name})"
    made = kind(_ERRNO[kind], text) if kind in _ERRNO else kind(text)
    made.code = _CODES.get(kind, name)
    return made


@contextlib.contextmanager
def java(doing: str) -> Iterator[None]:
    """Errors of Java's file systems as ours."""
    try:
        yield
    except Exception as error:
        if not hasattr(error, "java_exception"):
            raise
        raise java_error(error, doing) from error


class Place:
    """A path on the file system that Hadoop's configuration gives it: whole, and as Java has it."""

    def __init__(self, session: Session, fs: Any, path: Any) -> None:
        self.session, self.fs, self.java = session, fs, path
        uri = path.toUri()
        self.scheme = str(uri.getScheme() or "file").lower()
        self.authority = str(uri.getAuthority() or "")
        self.path = str(uri.getPath())

    def __str__(self) -> str:
        """As lamella takes it: a path of this system, or a URL of literal bytes."""
        return self.path if self.is_local else f"{self.scheme}://{self.authority}{self.path}"

    @property
    def is_local(self) -> bool:
        return self.scheme == "file"

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def parent(self) -> Place:
        return Place(self.session, self.fs, self.java.getParent() or self.java)

    def child(self, name: str) -> Place:
        return Place(self.session, self.fs, self.session.jvm.org.apache.hadoop.fs.Path(self.java, name))

    def status(self) -> Any:
        """Java's FileStatus, or None where nothing is."""
        try:
            with java(str(self)):
                return self.fs.getFileStatus(self.java)
        except NotFoundError:
            return None

    def remove(self) -> None:
        with java(f"removing {self}"):
            self.fs.delete(self.java, True)

    def make_directory(self) -> None:
        with java(f"making {self}"):
            self.fs.mkdirs(self.java)

    def move_into(self, to: Place) -> None:
        """To a name of our own that nobody else uses."""
        with java(f"renaming {self}"):
            if not self.fs.rename(self.java, to.java):
                raise IOError(f"renaming {self} to {to} failed")


class Session:
    """The JVM of a Spark session, and the Hadoop configuration in it."""

    def __init__(self, spark: Any) -> None:
        jsc, jvm = getattr(spark, "_jsc", None), getattr(spark, "_jvm", None)
        if jsc is None or jvm is None:
            raise UnsupportedError(
                "this Spark session has no JVM here (Spark Connect): write the parts by df.write.csv, then join them "
                "by lamella.merge with storage_options="
            )
        self.spark, self.jvm = spark, jvm
        self.configuration = jsc.hadoopConfiguration()

    @property
    def is_one_host(self) -> bool:
        return str(self.spark.sparkContext.master).split("[")[0] == "local"

    def place(self, path: PathLike) -> Place:
        text = os.fsdecode(path)
        if not text:
            raise ArgumentError("the path is empty")
        with java(text):
            made = self.jvm.org.apache.hadoop.fs.Path(text)
            fs = made.getFileSystem(self.configuration)
            whole = made.makeQualified(fs.getUri(), fs.getWorkingDirectory())
            if str(whole.toUri().getScheme()) == "viewfs":
                whole = self._behind_the_view(fs, whole)
                fs = whole.getFileSystem(self.configuration)
        return Place(self, fs, whole)

    def _behind_the_view(self, fs: Any, path: Any) -> Any:
        """Where a path of viewfs:// leads; the last names of it may be new ones."""
        names: list[str] = []
        while path.getParent() is not None and not fs.exists(path):
            names.append(str(path.getName()))
            path = path.getParent()
        path = fs.resolvePath(path)
        for name in reversed(names):
            path = self.jvm.org.apache.hadoop.fs.Path(path, name)
        return path

    @contextlib.contextmanager
    def storage(self, options: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Storage options that lead to the HDFS of this session; what the caller says goes before them."""
        import tempfile

        made: dict[str, Any] = {}
        if str(self.configuration.get("hadoop.security.authentication", "simple")) == "kerberos":
            if not os.environ.get("HADOOP_TOKEN_FILE_LOCATION"):
                made["hdfs.negotiate"] = True
        else:
            user = self.jvm.org.apache.hadoop.security.UserGroupInformation.getCurrentUser()
            made["hdfs.user"] = str(user.getShortUserName())
        given = dict(options or {})
        for key in given:
            made.pop(key if key.startswith("hdfs.") else f"hdfs.{key}", None)
        with tempfile.TemporaryDirectory(prefix="lamella-hadoop-") as directory:
            if "conf_dir" not in given and "hdfs.conf_dir" not in given:
                self._write_configuration(directory)
                made["hdfs.conf_dir"] = directory
            yield {**made, **given}

    def _write_configuration(self, directory: str) -> None:
        """What finds the NameNodes, and no secrets; Hadoop's built-in defaults are left out, which name no host."""
        from xml.etree import ElementTree

        writer = self.jvm.java.io.StringWriter()
        self.configuration.writeXml(writer)
        kept = ElementTree.Element("configuration")
        for entry in ElementTree.fromstring(str(writer.toString())).iter("property"):
            name = entry.findtext("name") or ""
            source = entry.findtext("source") or ""
            if not name.startswith(_FINDS_HDFS) or source.endswith("-default.xml"):
                continue
            value = self.configuration.get(name)
            if value is not None:
                added = ElementTree.SubElement(kept, "property")
                ElementTree.SubElement(added, "name").text = name
                ElementTree.SubElement(added, "value").text = str(value)
        ElementTree.ElementTree(kept).write(os.path.join(directory, "core-site.xml"), encoding="utf-8")


def hidden(parent: Place, kind: str) -> Place:
    """A name beside a destination that readers leave out and that nobody else has."""
    return parent.child(f".lamella-{kind}-{uuid.uuid4().hex}")


def check_destination(dst: Place, overwrite: bool) -> Any:
    """Before any work is done: the status of what stands at `dst`, or None."""
    status = dst.status()
    if status is not None and status.isDirectory():
        raise UnsuitableError(f"{dst} is a directory, and one file is to be written: name the file")
    if status is not None and not overwrite:
        made = ExistsError(17, f"{dst} exists already: choose another name, or mode='overwrite'")
        made.code = "LM_EXISTS"
        raise made
    return status
