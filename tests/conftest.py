"""Fixtures of all tests: where things are, and what a machine may not have."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def vectors_dir() -> Path | None:
    """Programs of the vendor's generator, kept beside a checkout; None where there are none."""
    folder = ROOT.parent / "shared" / "vectors"
    return folder if folder.is_dir() else None
