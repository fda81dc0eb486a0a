"""Tables of commands: columns, and when the heading is bold."""

import io
import sys

import pytest

from max78000.command.table import print_table, table_lines

HEADING = ("layer", ">cycles")
ROWS = (("a", "1,000"), ("longer", "7"))
PLAIN = ["layer   cycles", "a        1,000", "longer       7"]


def test_numbers_stand_to_the_right():
    assert list(table_lines(HEADING, ROWS)) == PLAIN
    assert list(table_lines(("a", "b"), (("x", ""),))) == ["a  b", "x"]


@pytest.mark.parametrize(
    ("is_terminal", "no_colour", "is_bold"),
    [(True, "", True), (True, "1", False), (False, "", False)],
)
def test_the_heading_is_bold_on_a_terminal(monkeypatch, is_terminal, no_colour, is_bold):
    monkeypatch.setenv("NO_COLOR", no_colour)
    out = io.StringIO()
    out.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stdout", out)
    print_table(HEADING, ROWS)
    first, *others = out.getvalue().splitlines()
    assert others == PLAIN[1:]
    assert first == (f"\x1b[1m{PLAIN[0]}\x1b[0m" if is_bold else PLAIN[0])
