"""The table of licences says what is pinned, and nothing that an Apache-2.0 project cannot use."""

import re

import licence_table as table
import pytest
from pins import PINS, are_installed

TOLD = table.PAGE.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([\w.-]+) \| (\S+) \| (.+) \|$", TOLD, re.MULTILINE)


def test_every_pin_is_told():
    assert [(name, number) for name, number, _ in ROWS if name != "package"] == PINS


@pytest.mark.skipif(
    not are_installed(), reason="others than those of constraints.txt are installed"
)
def test_licences_are_those_that_the_packages_say():
    assert table.page() == TOLD


def test_every_package_says_its_licence():
    assert "not said" not in TOLD
