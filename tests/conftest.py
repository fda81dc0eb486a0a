"""What all tests share: how hypothesis draws, where things are, and what is compiled once."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from max78000.firmware import objects

ROOT = Path(__file__).resolve().parents[1]
COMPILE_UNIT = objects._compile

# One thread for each process: as many processes run as there are cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run, however slow the machine.
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")


@pytest.fixture(scope="session")
def vectors_dir():
    """Programs of the vendor's generator, kept beside a checkout; None where there are none."""
    folder = ROOT.parent / "shared" / "vectors"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def objects_dir(tmp_path_factory):
    """A folder of compiled objects for all tests of a run, whichever process runs them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "objects"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(objects_dir):
    """Firmware is built of objects that another test has compiled, where their names are equal.

    A name holds the hash of compiler, flags, source and headers. Objects that the compiler warned
    of are compiled again, so that every test sees the warning.
    """

    def compile_or_take(unit, path, toolchain):
        kept = objects_dir / path.name
        if kept.exists():
            shutil.copyfile(kept, path)
            return ""
        said = COMPILE_UNIT(unit, path, toolchain)
        if path.exists() and not said:
            fresh = objects_dir / f"{path.name}.{os.getpid()}"
            shutil.copyfile(path, fresh)
            fresh.replace(kept)
        return said

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "_compile", compile_or_take)
        yield


@pytest.fixture
def compiled_anew(monkeypatch):
    """Every object is compiled for this test alone."""
    monkeypatch.setattr(objects, "_compile", COMPILE_UNIT)
