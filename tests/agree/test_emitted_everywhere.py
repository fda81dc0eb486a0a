"""Projects as `synthesize` writes them pass on everything that they can stand on, unchanged.

Our package by both compilers, the vendor's SDK of 2022, and its drivers of 2025.
"""

import shutil

import pytest
from brought import beside
from installed import CROSS_COMPILERS, needs_gcc
from newlib import HAS_NEWLIB

from max78000.board.board import VirtualBoard
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain

pytestmark = pytest.mark.slow
NETWORKS = ("digit_net", "keyword_net", "residual_net")
ARCHIVED, RECENT = beside("sdk", "2022"), beside("sdk", "2025", "MAX")
SDKS = {"2022": (ARCHIVED,), "2025": (RECENT, ARCHIVED)}
OBJECTS = "build/objects-gcc-sdk"
needs_sdk = pytest.mark.skipif(
    not ARCHIVED.is_dir() or not HAS_NEWLIB, reason="needs shared/sdk and newlib"
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Objects of the SDKs, from one project to the next."""
    return tmp_path_factory.mktemp("objects")


def passes(image, *, is_strict=True):
    board = VirtualBoard(is_strict=is_strict)
    board.load_elf(image.elf)
    return board.run().is_pass


@pytest.mark.parametrize("compiler", CROSS_COMPILERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_on_our_package(shipped, tmp_path, name, compiler):
    folder = shutil.copytree(shipped(name), tmp_path / name)
    assert passes(build_project(folder, find_toolchain(compiler)))


@needs_sdk
@needs_gcc
@pytest.mark.parametrize("year", SDKS)
@pytest.mark.parametrize("name", NETWORKS)
def test_on_the_vendors_sdk(shipped, kept, tmp_path, name, year):
    folder = shutil.copytree(shipped(name), tmp_path / name)
    if (kept / year).is_dir():
        shutil.copytree(kept / year, folder / OBJECTS)
    image = build_project(folder, find_toolchain("gcc"), sdk=SDKS[year])
    if not (kept / year).is_dir():
        shutil.copytree(folder / OBJECTS, kept / year)
    assert passes(image, is_strict=False)
