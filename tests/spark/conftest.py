"""parquet-java, which is what Spark reads Parquet by, in one process for all the tests.

./dev test spark fetches it (by Maven, into .cache/) and compiles Reads.java.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "interop"), str(TESTS / "long")]
CLASSES = os.environ.get("LAMELLA_JAVA_CLASSES") or f"{TESTS.parent}/build/spark:{TESTS.parent}/.cache/spark/jars/*"


class Java:
    def __init__(self):
        self.process = subprocess.Popen(
            ["java", "-Xmx1g", "-cp", CLASSES, "Reads"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def rows(self, *request):
        """The rows that it reads, as dicts of what is stored."""
        self.process.stdin.write("\t".join(request) + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if not line.startswith("{"):
                break
            lines.append(line)
        else:
            raise RuntimeError("java ended")
        if not line.startswith("ok "):
            raise RuntimeError(line.strip())
        assert int(line[3:]) == len(lines)
        return [json.loads(text) for text in lines]


@pytest.fixture(scope="session")
def java():
    made = Java()
    yield made
    made.process.stdin.close()
    made.process.wait(60)
