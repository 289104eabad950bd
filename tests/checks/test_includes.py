import includes
import pytest


def test_no_include_goes_up(root):
    assert includes.problems(root) == []


GOOD = {
    "include/lamella/base.h": "#include <stdint.h>\n",
    "include/lamella/publish.h": "#include <lamella/base.h>\n",
    "src/base/error.h": "#include <lamella/base.h>\n",
    "src/arrow/view.h": "",
    "src/store/store.h": '#include "base/error.h"\n',
    "src/store/posix.h": '#include "store/store.h"\n',
    "src/publish/file.c": '#include "store/posix.h"\n#include <lamella/publish.h>\n',
    "src/parquet/writer.h": '#include "arrow/view.h"\n',
    "src/cli/main.c": '#include "publish/file.c"\n#include "parquet/writer.h"\n',
}


def test_a_tree_in_order_passes(make_tree):
    assert includes.problems(make_tree(GOOD)) == []


@pytest.mark.parametrize(
    "path, text, words",
    [
        ("src/base/bad.c", '#include "store/store.h"\n', "base may not include store"),
        ("src/base/bad.c", "  #  include <lamella/publish.h>\n", "base may not include publish"),
        ("src/store/bad.c", '#include "publish/file.c"\n', "store may not include publish"),
        ("src/csv/bad.c", '#include "parquet/writer.h"\n', "csv may not include parquet"),
        ("src/parquet/bad.c", '#include "store/store.h"\n', "parquet may not include store"),
        ("src/encode/bad.c", '#include "arrow/view.h"\n', "encode may not include arrow"),
        ("src/store/mem.c", '#include "store/posix.h"\n', "the store mem includes the store posix"),
        ("src/store/mem/a.c", '#include "store/posix.h"\n', "the store mem includes the store posix"),
        ("src/base/bad.c", '#include "error.h"\n', "not a file under src/"),
        ("src/base/bad.c", '#include "base/../store/store.h"\n', "not a file under src/"),
        ("src/base/bad.c", "#include <lamella/lamella.h>\n", "base may not include cli"),
        ("src/attic/bad.c", "", "belongs to no folder"),
        ("include/lamella/odd.h", "", "belongs to no folder"),
        ("include/lamella/base.h", '#include "base/error.h"\n', "a public header includes"),
        ("include/lamella/base.h", "#include <lamella/publish.h>\n", "base may not include publish"),
    ],
)
def test_an_include_that_goes_up_is_found(make_tree, path, text, words):
    found = includes.problems(make_tree({**GOOD, path: text}))
    assert len(found) == 1 and words in found[0], found
