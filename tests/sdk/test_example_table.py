"""The SDK's examples fare as the page about them says."""

import pytest
from example_table import EXAMPLES, HEAD, PAGE, example_folders, row_of, sums
from installed import needs_gcc

NAMES = ("CNN/mnist", "CNN/rps")
needs_sdk = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs the SDK in shared/sdk")


def written():
    rows = PAGE.read_text(encoding="utf-8").removeprefix(HEAD).partition("\n\n")[0].splitlines()
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


@needs_sdk
@needs_gcc
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_example_fares_as_the_page_says(tmp_path, name):
    row = row_of(EXAMPLES / name, tmp_path)
    assert row.text == written()[name], "run `make sdk-examples`"


@needs_sdk
@needs_gcc
@pytest.mark.long
def test_the_vendors_known_answer_on_our_package(tmp_path):
    row = row_of(EXAMPLES / "CNN/mnist", tmp_path, ways=("package",))
    assert row.cells[:2] == ("yes", "PASS")
    assert written()["CNN/mnist"].startswith("| CNN/mnist | yes | PASS |")


@needs_sdk
def test_the_page_has_every_example():
    folders = {str(folder.relative_to(EXAMPLES)) for folder in example_folders()}
    assert written().keys() == folders


def test_the_page_begins_as_it_is_written():
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    assert f"Of {len(written())}: " in text
    assert "Of 0: our package 0 built, 0 PASS;" in sums([])
