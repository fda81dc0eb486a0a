"""What files of code say in words: docstrings and comments, of Python, C, templates and scripts."""

import ast
import functools
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("max78000", "ai8x_models", "synthesis")
ENDINGS = (".py", ".c", ".h", ".ld", ".cfg", ".j2")
C_COMMENT = re.compile(r"/\*.*?\*/|\{#.*?#\}", re.DOTALL)


def files_of(*folders):
    """Files of code in folders of the project."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    return sorted(path for path in found if path.suffix in ENDINGS)


CODE = files_of(*PACKAGES, "docs", "examples")
TESTS = files_of("tests")


def texts_with(word, path):
    """Those texts of a file in which a word may be: none where the file does not have it."""
    return texts_of(path) if word in path.read_text(encoding="utf-8") else ()


@functools.cache
def texts_of(path):
    """Docstrings and comments of a file, each with its line; neighbouring comments are one."""
    return tuple(_texts(path, path.read_text(encoding="utf-8")))


def _texts(path, text):
    if path.suffix != ".py":
        yield from _c_comments(text)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield getattr(node, "lineno", 1), docstring
    comments = [
        (token.start[0], token.string.lstrip("# "))
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]
    yield from _together(comments)


def _c_comments(text):
    for comment in C_COMMENT.finditer(text):
        lines = comment[0][2:-2].splitlines()
        line = text.count("\n", 0, comment.start()) + 1
        yield line, "\n".join(part.strip().removeprefix("*").strip() for part in lines)
    numbered = enumerate(text.splitlines(), 1)
    yield from _together([(i, line.lstrip("# ")) for i, line in numbered if line.startswith("# ")])


def _together(comments):
    """Comments on neighbouring lines as one text."""
    texts = {}
    for line, text in comments:
        first = next((at for at, lines in texts.items() if at + len(lines) == line), line)
        texts.setdefault(first, []).append(text)
    return [(line, "\n".join(lines)) for line, lines in texts.items()]
