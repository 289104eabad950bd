"""The examples of the documents run, in the order in which they stand."""
import os
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", "docs/python.md"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_examples_run(document):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, document, "exec"), names)


SHARED = [place / "shared/seeds/002_f53116842c10527b.txt" for place in (ROOT.parent, ROOT.parent.parent)]


def test_the_documented_examples_of_py_parquet_forge_run_word_for_word():
    """But for the import line."""
    document = next((path for path in SHARED if path.exists()), None)
    if document is None:
        pytest.skip("the documentation of py_parquet_forge is not there")
    blocks = re.findall(r"^```python\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL)
    blocks = [block for block in blocks if not re.match(r"def |class ", block)]  # signatures
    assert len(blocks) == 7
    names = {}
    for block in blocks:
        exec(compile(block.replace("from py_parquet_forge import", "from lamella import"), "example", "exec"), names)
    assert names["total_users"] == 100_000
    assert names["active_users_df"].to_dict("records") == [{"user_id": 3, "username": "Charlie"}]
    assert names["schema"].names == ["user_id", "username", "signup_timestamp", "is_active", "created_date"]
    assert os.listdir("users_dataset") == ["created_date=2023-01-02"]
