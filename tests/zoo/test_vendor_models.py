"""The vendor's model files run with another import, and the page about them says how they fare."""

import pytest
from vendor_table import FOLDER, HEAD, PAGE, rows_of

FILES = sorted(FOLDER.glob("*.py")) or [None]
WHOLE = ("ai85net-afsk.py", "ai85net.py", "ai85net-kws20-v3.py", "ai85net-autoencoder.py")
pytestmark = pytest.mark.skipif(FILES == [None], reason="needs the files in shared/vendor/models")


def written(name):
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(f"| {name} |")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name if path else "none")
def test_a_file_is_described_as_the_page_says(path):
    rows = rows_of(path, is_whole=False)
    found = [
        line.split(" | ")[: len(row.beginning)]
        for line, row in zip(written(path.name), rows, strict=True)
    ]
    assert [row.beginning for row in rows] == found, "run `make models`"
    assert all(row.words for row in rows if "no" in row.cells.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_a_file_goes_as_far_as_the_page_says(name):
    assert [row.to_text() for row in rows_of(FOLDER / name)] == written(name), "run `make models`"


def test_the_page_has_nothing_else():
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    rows = text.removeprefix(HEAD).splitlines()
    assert {row.split(" | ")[0].removeprefix("| ") for row in rows} == {one.name for one in FILES}
