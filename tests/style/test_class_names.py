"""Words: a class of the part has its name to itself, so that the name alone says which it is."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def class_names(package):
    """The public classes of a package, once for every definition."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name


def test_no_two_classes_of_the_part_share_a_name():
    counts = Counter(class_names("max78000"))
    assert len(counts) > 100
    assert not [name for name, n in counts.items() if n > 1]
