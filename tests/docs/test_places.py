"""Files, functions and classes that the pages for developers name are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/architecture.md", "CONTRIBUTING.md")
FOLDERS = "max78000|ai8x_models|synthesis|networks|checkpoints|tests|docs|examples"
PLACE = re.compile(rf"`((?:{FOLDERS})/[\w./*-]+?)(?::(\w+))?`")


def places():
    for page in PAGES:
        for match in PLACE.finditer((ROOT / page).read_text(encoding="utf-8")):
            yield pytest.param(*match.groups(), id=f"{page}-{match[1]}-{match[2] or ''}")


def names_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def test_pages_name_places():
    assert len(list(places())) > 60


@pytest.mark.parametrize(("path", "name"), sorted(places(), key=lambda place: place.id))
def test_a_place_is_there(path, name):
    if "*" in path:
        assert list(ROOT.glob(path))
        return
    assert (ROOT / path).exists()
    assert name is None or name in names_in(ROOT / path)
