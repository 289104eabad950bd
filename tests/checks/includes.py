"""Who may include whom (ARCHITECTURE.md, "The order"). An include that goes up is an error.

problems(root) reads src/ and include/lamella/ of a tree and returns one line for each include that
breaks a rule:

 1. A folder includes itself and the folders below it, nothing else.
 2. Formats never include each other, nor do stores, nor arrow, encode and codec.
 3. Includes with quotes are written from src/ ("base/error.h") and name a file that exists.
 4. A public header belongs to a folder too, and includes only public headers.
"""
import pathlib
import re

BELOW_FORMATS = {"encode", "codec", "arrow", "base"}
FORMATS = ("parquet", "csv", "xlsx", "ipc", "jsonl")
STORE = {"store", "net", "base"}
PUBLISH = {"publish"} | STORE
MIDDLE = PUBLISH | set(FORMATS) | BELOW_FORMATS

# A folder, and what it may include besides itself.
MAY = {
    "base": set(),
    "arrow": {"base"},
    "encode": {"base"},
    "codec": {"base"},
    **{name: BELOW_FORMATS for name in FORMATS},
    "net": {"base"},
    "store": STORE,
    "publish": PUBLISH,
    "table": MIDDLE,
    "merge": MIDDLE | {"table"},
    "io": MIDDLE | {"table", "merge"},
    "cli": MIDDLE | {"table", "merge", "io"},
    "python": MIDDLE | {"table", "merge", "io"},
}
BACKENDS = ("posix", "mem", "hdfs", "s3", "gcs", "azure", "fault")

# Public headers that are not called after their folder. lamella.h brings in all, so only the top may use it.
PUBLIC = {"sink": "base", "source": "base", "json": "base", "hash": "base", "storage": "base", "commit": "store", "lamella": "cli",
          "manifest": "publish", "versions": "publish", "directory": "publish", "path": "publish", "upkeep": "store", "parquet_read": "parquet", "parquet_inspect": "parquet",
          "parquet_verify": "parquet", "parquet_merge": "parquet", "table_ops": "table", "table_convert": "io", "contents": "io", "diff": "io", "scan": "io", "expr": "arrow"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def public_folder(header):
    name = header.removeprefix("lamella/").removesuffix(".h")
    return PUBLIC.get(name, name if name in MAY else None)


def backend(path):
    """The store that a file of src/store belongs to, or None for what they share."""
    parts = pathlib.PurePath(path).parts
    if parts[0] != "store" or len(parts) < 2:
        return None
    name = parts[1].split(".")[0].split("_")[0]
    return name if name in BACKENDS else None


def allowed(path, folder, target, target_folder):
    if target_folder is None:
        return f"{target} belongs to no folder that tests/checks/includes.py knows"
    if target_folder != folder and target_folder not in MAY[folder]:
        return f"{folder} may not include {target_folder} ({target})"
    if backend(path) and backend(target) and backend(path) != backend(target):
        return f"the store {backend(path)} includes the store {backend(target)}"
    return None


def problems(root):
    root = pathlib.Path(root)
    found = []
    for file in sorted(root.glob("src/**/*.[ch]")) + sorted(root.glob("include/lamella/*.h")):
        public = file.is_relative_to(root / "include")
        path = str(file.relative_to(root / ("include" if public else "src")))
        folder = public_folder(path) if public else path.split("/")[0]
        if folder not in MAY:
            found.append(f"{path}: belongs to no folder that tests/checks/includes.py knows")
            continue
        for quote, target in INCLUDE.findall(file.read_text()):
            problem = None
            if quote == '"':
                if public:
                    problem = f"a public header includes {target}"
                elif not (root / "src" / target).is_file() or ".." in target:
                    problem = f'"{target}" is not a file under src/'
                else:
                    problem = allowed(path, folder, target, target.split("/")[0])
            elif target.startswith("lamella/") and path != "lamella/lamella.h":
                problem = allowed(path, folder, target, public_folder(target))
            if problem:
                found.append(f"{path}: {problem}")
    return found
