"""Wheel and source distribution are complete; wheels of any two clones are the same bytes."""

import shutil
import tarfile
import zipfile

import pytest
from ran import ROOT, ran

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git's history"
    ),
]


def test_wheels_of_two_clones_are_equal(built):
    one, other = (next((home / "dist").glob("*.whl")) for home in built)
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


def test_the_wheel_has_every_file_of_the_packages(built):
    with zipfile.ZipFile(next((built[0] / "dist").glob("*.whl"))) as wheel:
        packed = set(wheel.namelist())
    tracked = ran("git", "ls-files", "max78000", "ai8x_models", "synthesis", folder=ROOT)
    assert set(tracked.split()) - packed == set()


def test_the_wheel_has_every_file_that_is_shipped(built):
    with zipfile.ZipFile(next((built[0] / "dist").glob("*.whl"))) as wheel:
        packed = {name.partition("/share/max78000-toolchain/")[2] for name in wheel.namelist()}
    tracked = ran("git", "ls-files", "networks", "checkpoints", folder=ROOT)
    assert packed - {""} == set(tracked.split())


def test_the_source_distribution_has_every_file(built):
    with tarfile.open(next((built[0] / "dist").glob("*.tar.gz"))) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert set(ran("git", "ls-files", folder=built[0] / "clone").split()) - packed == set()
