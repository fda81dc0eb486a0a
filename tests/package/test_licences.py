"""The table of licences says what is pinned, and nothing that an Apache-2.0 project cannot use."""

import re
from importlib.metadata import PackageNotFoundError, version

import licence_table as table
import pytest

TOLD = table.PAGE.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([\w.-]+) \| (\S+) \| (.+) \|$", TOLD, re.MULTILINE)


def is_installed(name, pinned):
    try:
        return version(name).partition("+")[0] == pinned
    except PackageNotFoundError:
        return False


def test_every_pin_is_told():
    assert [(name, number) for name, number, _ in ROWS if name != "package"] == table.pins()


def test_licences_are_those_that_the_packages_say():
    pinned = [row for row in ROWS if is_installed(*row[:2])]
    if len(pinned) < len(table.pins()):
        pytest.skip("other versions than those of constraints.txt are installed")
    assert table.page() == TOLD


def test_every_package_says_its_licence():
    assert "not said" not in TOLD
