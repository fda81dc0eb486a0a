"""Quirks: each is on the page, has its comment at the named places, and a test that holds it."""

import ast
import re

import pytest
from source_texts import CODE, ROOT, texts_with

PAGE = ROOT / "docs" / "hardware" / "quirks.md"
ENTRY = re.compile(r"^### ([a-z0-9-]+)\n\n(.+?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
ITEM = re.compile(r"^- (Known|Code|Test): (.+?)(?=^- |\Z)", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"`([\w/.-]+)`\s+`([\w.-]+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
COMMENT = re.compile(r"\bQuirk ([\w-]*):")
WHOLE_FILE = "-"


def entries():
    """Name -> text, and what its list says."""
    text = PAGE.read_text(encoding="utf-8")
    return {name: (body, dict(ITEM.findall(body))) for name, body in ENTRY.findall(text)}


ENTRIES = entries()
PLACES = sorted(
    (name, *place) for name, (_, items) in ENTRIES.items() for place in PLACE.findall(items["Code"])
)
HOLDING = sorted(
    {test for _, items in ENTRIES.values() for test in TEST.findall(items.get("Test", ""))}
)
COMMENTS = sorted(
    (comment[1], path.relative_to(ROOT).as_posix(), line + text.count("\n", 0, comment.start()))
    for path in CODE
    for line, text in texts_with("Quirk ", path)
    for comment in COMMENT.finditer(text)
)


def lines_of_symbol(path, symbol):
    """First and last line of a function, class, method or table, with the comment above it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if symbol == WHOLE_FILE:
        return 1, len(lines)
    found = _python_lines(path, symbol) if path.suffix == ".py" else _c_lines(lines, symbol)
    if found is None:
        return None
    first, last = found
    while first > 1 and re.match(r"\s*(#|/\*|\*|\{#)", lines[first - 2]):
        first -= 1
    return first, last


def _python_lines(path, symbol):
    body = ast.parse(path.read_text(encoding="utf-8")).body
    *outer, name = symbol.split(".")
    for part in outer:
        body = next(node.body for node in body if getattr(node, "name", None) == part)
    for node in body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if name in (getattr(node, "name", None), *(getattr(t, "id", None) for t in targets)):
            return node.lineno, node.end_lineno
    return None


def _c_lines(lines, symbol):
    definition = re.compile(rf"(#define {symbol}\b|[a-z_].*\b{symbol}\([^;]*$)")
    for number, line in enumerate(lines, 1):
        if definition.match(line):
            last = number if line.startswith("#") else lines.index("}", number) + 1
            return number, last
    return None


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_complete(name):
    body, items = ENTRIES[name]
    assert len(body.split("\n- ")[0].split()) > 8
    assert set(items) == {"Known", "Code", "Test"}
    assert PLACE.sub("", items["Code"]).strip(", \n") == ""
    assert TEST.sub("", items["Test"]).strip(", \n") == ""


def test_names_are_given_once():
    names = re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert names == list(ENTRIES)
    assert len(names) > 60


@pytest.mark.parametrize(("name", "file", "symbol"), PLACES)
def test_the_comment_stands_at_the_named_place(name, file, symbol):
    found = lines_of_symbol(ROOT / file, symbol)
    assert found is not None, f"{file} has no {symbol}"
    first, last = found
    there = [line for other, path, line in COMMENTS if (other, path) == (name, file)]
    assert any(first <= line <= last for line in there), (
        f"{file} {symbol}, lines {first} to {last}: no comment `Quirk {name}:`"
    )


def test_every_comment_is_on_the_page():
    listed = {(name, file) for name, file, _ in PLACES}
    unlisted = [f"{path}:{line} {n}" for n, path, line in COMMENTS if (n, path) not in listed]
    assert not unlisted, "\n".join(unlisted)


def test_every_comment_stands_at_a_listed_place():
    ranges = {}
    for name, file, symbol in PLACES:
        ranges.setdefault((name, file), []).append(lines_of_symbol(ROOT / file, symbol))
    astray = [
        f"{path}:{line} Quirk {name}"
        for name, path, line in COMMENTS
        if not any(first <= line <= last for first, last in ranges[name, path])
    ]
    assert not astray, "\n".join(astray)


@pytest.mark.parametrize(("file", "test"), HOLDING)
def test_the_holding_test_exists(file, test):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_a_comment_elsewhere_is_seen(tmp_path):
    path = tmp_path / "x.py"
    path.write_text(
        "# above\ndef f():\n    pass\n\n\nclass A:\n    b = 1\n\n    def g(self):\n        pass\n"
    )
    assert lines_of_symbol(path, "f") == (1, 3)
    assert lines_of_symbol(path, "A.g") == (9, 10)
    assert lines_of_symbol(path, "A.b") == (7, 7)
    assert lines_of_symbol(path, "h") is None
    path = tmp_path / "x.c"
    path.write_text("/* above */\n#define N 3\n\nint f(void);\n\nint f(void)\n{\n    g(1);\n}\n")
    assert lines_of_symbol(path, "N") == (1, 2)
    assert lines_of_symbol(path, "f") == (6, 9)
    assert lines_of_symbol(path, "g") is None
