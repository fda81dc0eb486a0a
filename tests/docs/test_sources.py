"""Where facts come from: every citation in code, comments and tables leads to a page or a document.

A citation is `Source:` or `Source of ...:` in a docstring or a comment, or a text `source=` in a
table. It ends with its sentence; its parts, divided by semicolons, each begin with a place in
`docs` or with a key of the list in `docs/hardware/index.md`.
"""

import ast
import functools
import re
from pathlib import Path

import pytest
from source_texts import CODE, PACKAGES, ROOT, TESTS, files_of, texts_with

INDEX = ROOT / "docs" / "hardware" / "index.md"

CITATION = re.compile(r"\bSource(?: of [^:]{1,40})?: +(.+?\.)(?=\s|$)", re.DOTALL)
SOME_CITATION = re.compile(r"\bSources?(?: of [^:\n]{1,40})?:(?=\s|$)", re.MULTILINE)
KEY = re.compile(r"\[([A-Za-z][\w-]*)\]")
PLACE = re.compile(r"docs/[\w/-]+\.md(?:#[\w-]+)?")
JINJA = re.compile(r"\{%.*?%\}", re.DOTALL)  # where templates name each other
PAGE = re.compile(r"(?<![\w/.-])([\w/-]+\.md)\b(#[\w-]+)?")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
LISTED = re.compile(r"^\| \[([\w-]+)\] \| (.+?) \|", re.MULTILINE)
GONE = re.compile(r"(register|memory|arithmetic|network description|hardware) reference\b", re.I)
FOUND_ELSEWHERE = ("README.md",)  # a project's own, or another project's


# -- reading ---------------------------------------------------------------------------------------


def anchors_of(path):
    """The fragments of a page: its headings, as MkDocs and GitHub spell them."""
    headings = HEADING.findall(path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def in_texts(path):
    """Citations in docstrings and comments, with their lines, each as one line of text."""
    for line, text in texts_with("Source", path):
        for paragraph in re.split(r"\n\s*\n", text):
            for citation in CITATION.finditer(paragraph):
                yield line, " ".join(citation[1].split()).removesuffix(".")


def in_tables(path):
    """Citations that are arguments `source=`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        is_text = isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant)
        if is_text and node.arg == "source" and isinstance(node.value.value, str):
            yield node.value.lineno, node.value.value


ANCHORS = {path: anchors_of(path) for path in (ROOT / "docs").rglob("*.md")}
KEYS = dict(LISTED.findall(INDEX.read_text(encoding="utf-8")))


@functools.cache
def texts():
    """All citations in docstrings and comments: file, line, text."""
    return [(path, *found) for path in (*CODE, *TESTS) for found in in_texts(path)]


@functools.cache
def tables():
    """All citations in tables: file, line, text."""
    return [(path, *found) for path in CODE if path.suffix == ".py" for found in in_tables(path)]


def problem_of(citation):
    """What is wrong with a citation; empty if it leads somewhere."""
    for part in citation.split("; "):
        place, key = PLACE.match(part), KEY.match(part)
        if place:
            problem = _missing(place[0])
            if problem:
                return problem
        elif key is None:
            return f"{part!r} begins with neither a place nor a key"
    unknown = set(KEY.findall(citation)) - set(KEYS)
    return f"no document {', '.join(sorted(unknown))}" if unknown else ""


def _missing(place):
    page, _, anchor = place.partition("#")
    if ROOT / page not in ANCHORS:
        return f"no page {page}"
    return "" if not anchor or anchor in ANCHORS[ROOT / page] else f"no heading {place}"


# -- tests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("citation", "problem"),
    [
        ("docs/hardware/registers.md#post", ""),
        ("[UG] POST; docs/hardware/registers.md#post, bits 3:0", ""),
        ("docs/rules.md", ""),
        ("register reference 4.18", "neither a place nor a key"),
        ("[UG] POST; the guide", "neither a place nor a key"),
        ("docs/hardware/registers.md#poste", "no heading docs/hardware/registers.md#poste"),
        ("docs/register.md", "no page docs/register.md"),
        ("[manual] POST", "no document manual"),
        ("[UG] as [guide] says", "no document guide"),
    ],
)
def test_a_wrong_citation_is_seen(citation, problem):
    assert problem in problem_of(citation)
    assert bool(problem) == bool(problem_of(citation))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""A file.\n\nSource: [UG] POST;\n[tool]. More text.\n"""', ["[UG] POST; [tool]"]),
        ("x = 1  # Source: [UG] POST.\n# Source of it: [tool].", ["[UG] POST", "[tool]"]),
        (
            "# of two lines. Source: docs/rules.md,\n# D5.\n\n# Source: [UG] b.",
            ["docs/rules.md, D5", "[UG] b"],
        ),
    ],
)
def test_citations_are_found(tmp_path, text, found):
    path = tmp_path / "x.py"
    path.write_text(text, encoding="utf-8")
    assert [citation for _, citation in in_texts(path)] == found


def test_citations_in_tables_are_found(tmp_path):
    path = tmp_path / "x.py"
    path.write_text("R = Register('R', source='[UG] R')\nS = f(source=R)\n", encoding="utf-8")
    assert [citation for _, citation in in_tables(path)] == ["[UG] R"]


def test_citations_in_c_are_found(tmp_path):
    path = tmp_path / "x.j2"
    path.write_text("/*\n * A file.\n * Source: [UG]\n * POST.\n */\n{# Source: [tool]. #}\n")
    assert [citation for _, citation in in_texts(path)] == ["[UG] POST", "[tool]"]


def test_there_are_citations():
    assert len(texts()) > 50
    assert len(tables()) > 30
    assert {path.relative_to(ROOT).parts[0] for path, *_ in texts()} >= set(PACKAGES)


def test_every_citation_leads_somewhere():
    bad = [
        f"{path.relative_to(ROOT)}:{line} {problem}"
        for path, line, citation in (*texts(), *tables())
        if (problem := problem_of(citation))
    ]
    assert not bad, "\n".join(bad)


def test_whatever_says_source_is_a_citation():
    said = [
        (path, line)
        for path in (*CODE, *TESTS)
        for line, text in texts_with("Source", path)
        for _ in SOME_CITATION.findall(text)
    ]
    read = [(path, line) for path, line, _ in texts()]
    astray = [f"{path.relative_to(ROOT)}:{line}" for path, line in said if (path, line) not in read]
    assert not astray, "say `Source: ` with a sentence behind it\n" + "\n".join(astray)
    assert len(said) == len(read)


def test_every_document_is_described():
    assert all(title.strip() for title in KEYS.values())
    assert len(KEYS) > 20


def test_every_key_is_used():
    pages = "".join(path.read_text(encoding="utf-8") for path in ANCHORS)
    used = {key for *_, citation in (*texts(), *tables()) for key in KEY.findall(citation)}
    in_pages = {key for key in KEYS if pages.count(f"[{key}]") > 1}
    assert set(KEYS) - used - in_pages == set()


def test_keys_on_the_pages_are_known():
    for path in (ROOT / "docs" / "hardware").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        words = set(re.findall(r"\[([A-Za-z][\w-]*)\](?![(\[])", text))
        assert words <= set(KEYS), f"{path.name}: {sorted(words - set(KEYS))}"


def test_no_document_is_cited_that_nobody_has():
    bad = []
    for path in (*CODE, *TESTS):
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if GONE.search(line):
                bad.append(f"{path.relative_to(ROOT)}:{number} {line.strip()}")
    assert not bad, "\n".join(bad)


def test_every_page_that_code_names_is_there():
    bad = []
    for path in files_of(*PACKAGES, "examples"):
        text = JINJA.sub("", path.read_text(encoding="utf-8"))
        for page, anchor in PAGE.findall(text):
            places = [folder / page for folder in (ROOT, ROOT / "docs", path.parent)]
            if page not in FOUND_ELSEWHERE and not any(place.is_file() for place in places):
                bad.append(f"{path.relative_to(ROOT)} names {page}")
            if anchor and page.startswith("docs/") and _missing(page + anchor):
                bad.append(f"{path.relative_to(ROOT)}: {_missing(page + anchor)}")
    assert not bad, "\n".join(bad)
