"""The vendor's model files run with another import, and the page about them says how they fare."""

import pytest
from vendor_table import FOLDER, HEAD, PAGE, rows_of

FILES = sorted(FOLDER.glob("*.py")) or [None]
pytestmark = pytest.mark.skipif(FILES == [None], reason="needs the files in shared/vendor/models")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name if path else "none")
def test_a_file_fares_as_the_page_says(path):
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    written = [line for line in lines if line.startswith(f"| {path.name} |")]
    rows = rows_of(path)
    assert [row.to_text() for row in rows] == written, "run `make models`"
    assert all(row.described or row.words for row in rows)


def test_the_page_has_nothing_else():
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    rows = text.removeprefix(HEAD).splitlines()
    assert {row.split(" | ")[0].removeprefix("| ") for row in rows} == {one.name for one in FILES}
