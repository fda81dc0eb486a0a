"""Pages of the documentation as tests read them: blocks of code, and commands in them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```([a-z]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, *languages):
    """Language and text of a page's blocks, in order."""
    return [(word, text) for word, text in BLOCK.findall(read(page)) if word in languages]


def lines_of(block):
    """Commands of a block, as lists of words."""
    lines = block.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def commands_of(page):
    """Commands of a page's `sh` blocks, in order."""
    return [words for _, block in blocks(page, "sh") for words in lines_of(block)]
