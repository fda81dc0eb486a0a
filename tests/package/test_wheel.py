"""Wheel and source distribution are complete; wheels of any two clones are the same bytes."""

import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from ran import ran

ROOT = Path(__file__).resolve().parents[2]
EPOCH = "1700000000"  # any time that ZIP can say
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git's history"
    ),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What `python -m build` makes of two clones, in two folders."""
    homes = [tmp_path_factory.mktemp(name) for name in ("one", "other_name")]
    for home in homes:
        ran("git", "clone", "--quiet", str(ROOT), "clone", folder=home)
        ran(sys.executable, "-m", "build", "--outdir", str(home / "dist"),
            folder=home / "clone", SOURCE_DATE_EPOCH=EPOCH)  # fmt: skip
    return homes


def test_wheels_of_two_clones_are_equal(built):
    one, other = (next((home / "dist").glob("*.whl")) for home in built)
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


def test_the_wheel_has_every_file_of_the_packages(built):
    with zipfile.ZipFile(next((built[0] / "dist").glob("*.whl"))) as wheel:
        packed = set(wheel.namelist())
    tracked = ran("git", "ls-files", "max78000", "ai8x_models", "synthesis", folder=ROOT)
    assert set(tracked.split()) - packed == set()


def test_the_source_distribution_has_every_file(built):
    with tarfile.open(next((built[0] / "dist").glob("*.tar.gz"))) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert set(ran("git", "ls-files", folder=built[0] / "clone").split()) - packed == set()
