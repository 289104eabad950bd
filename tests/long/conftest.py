"""The long suite: thousands of tables, every reader. It shares the tables of tests/interop."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
