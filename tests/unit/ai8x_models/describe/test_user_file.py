"""Things in a user's file are named with their arguments, and called with them."""

import sys
from pathlib import Path

import pytest

from ai8x_models.describe.reference import bare_name, call_text, split_reference
from ai8x_models.describe.user_file import Needed, call_in_file
from ai8x_models.layers.layers import Conv2d
from ai8x_models.layers.vendor_blocks import Fire
from max78000.errors import InputError

NEEDED = Needed("function", "name a file and a function", "name one that works")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "made.py"
    path.write_text("def given(**words):\n    return words\n")
    return path


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a/net.py:Net", ("a/net.py", "Net")),
        ("net.py:Net(width=32)", ("net.py", "Net(width=32)")),
        ("net.py:Net(name='a:b')", ("net.py", "Net(name='a:b')")),
        ("net.py:a-b", ("net.py", "a-b")),
        ("net.py", None),
        ("DigitNet", None),
        ("net.onnx:Net", None),
    ],
)
def test_references_are_told_from_other_words(word, expected):
    found = split_reference(word)
    assert (found and (str(found[0]), found[1])) == expected


def test_arguments_arrive(file):
    arguments = {"width": 32, "dimensions": (28, 28), "bias": True, "name": "a:b", "none": None}
    name = call_text("given", arguments)
    assert bare_name(name) == "given"
    assert split_reference(f"{file}:{name}") == (file, name)
    assert call_in_file(file, name, NEEDED) == arguments
    assert call_in_file(file, "given", NEEDED) == call_in_file(file, "given()", NEEDED) == {}


@pytest.mark.parametrize(
    "name",
    ["given(32)", "given(width=open('f'))", "given(**words)", "given(width=32", "given(a b)"],
)
def test_what_is_no_plain_value_is_refused(file, name):
    with pytest.raises(InputError) as caught:
        call_in_file(file, name, NEEDED)
    assert str(caught.value) == (
        f"{file}: {name!r} is no name with arguments"
        " (write given(width=32, bias=True), with plain values)"
    )


def test_unknown_arguments_name_the_call(file):
    with pytest.raises(InputError, match=r"no class or function|no function"):
        call_in_file(file, "other(width=32)", NEEDED)
    file.write_text("def given(width):\n    return width\n")
    with pytest.raises(InputError, match=r"given\(\) fails: .*height"):
        call_in_file(Path(file), "given(height=1)", NEEDED)


def test_the_vendors_modules_are_ours_while_a_file_is_read(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai8x", "of the user")
    file.write_text(
        "import ai8x\nfrom ai8x_blocks import Fire\n\n"
        "def given():\n    return ai8x.FusedConv2dReLU(3, 4, 3), Fire, ai8x.dev.WEIGHT_INPUTS\n"
    )
    layer, block, n_inputs = call_in_file(file, "given", NEEDED)
    assert isinstance(layer, Conv2d)
    assert block is Fire
    assert n_inputs == 64
    assert sys.modules["ai8x"] == "of the user"
    assert "ai8x_blocks" not in sys.modules


def test_what_lies_above_can_be_imported_last(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "shared_by_models.py").write_text("SIZE = 5\n")
    path = tmp_path / "models" / "made.py"
    path.write_text("import shared_by_models\n\ndef given():\n    return shared_by_models.SIZE\n")
    assert call_in_file(path, "given", NEEDED) == 5
    assert str(tmp_path) not in sys.path


def test_annotations_are_looked_up_in_the_file(tmp_path):
    """As data classes do: they ask for their module by name."""
    path = tmp_path / "made.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Options:\n"
        "    width: int = 8\n"
        "def given():\n"
        "    return Options().width\n"
    )
    assert call_in_file(path, "given", NEEDED) == 8
    assert "made" not in sys.modules


def test_a_name_that_a_module_has_already_stays_with_it(tmp_path):
    path = tmp_path / "json.py"
    path.write_text("def given():\n    return 1\n")
    before = sys.modules["json"]
    assert call_in_file(path, "given", NEEDED) == 1
    assert sys.modules["json"] is before


@pytest.mark.parametrize("is_package", [True, False])
def test_files_of_a_package_import_each_other(tmp_path, is_package):
    folder = tmp_path / f"networks_{is_package}" / "small"
    folder.mkdir(parents=True)
    if is_package:
        (folder / "__init__.py").write_text("")
        (folder.parent / "__init__.py").write_text("from . import sizes\n")
    (folder / "blocks.py").write_text("width = 8\n")
    (folder.parent / "sizes.py").write_text("depth = 3\n")
    path = folder / "made.py"
    path.write_text(
        "from .blocks import width\n"
        "from ..sizes import depth\n"
        "def given():\n"
        "    return width, depth\n"
    )
    assert call_in_file(path, "given", NEEDED) == (8, 3)


def test_a_missing_neighbour_of_a_package_is_named(tmp_path):
    path = tmp_path / "made.py"
    path.write_text("from .nowhere import width\n")
    with pytest.raises(InputError, match=r"nowhere") as caught:
        call_in_file(path, "given", NEEDED)
    assert caught.value.where == f"{path}:1"
    assert caught.value.fix == "put it there, or mend the import"


def test_imports_from_above_the_root_are_refused_with_their_line(tmp_path):
    path = tmp_path / "made.py"
    path.write_text(f"from {'.' * 99} import width\n")
    with pytest.raises(InputError, match="beyond top-level package") as caught:
        call_in_file(path, "given", NEEDED)
    assert caught.value.where == f"{path}:1"
