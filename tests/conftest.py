"""What all tests share: how hypothesis draws, and where things are."""

from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# The same examples in every run, however slow the machine.
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")


@pytest.fixture(scope="session")
def vectors_dir():
    """Programs of the vendor's generator, kept beside a checkout; None where there are none."""
    folder = ROOT.parent / "shared" / "vectors"
    return folder if folder.is_dir() else None
