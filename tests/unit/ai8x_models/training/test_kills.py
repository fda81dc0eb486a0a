"""A run that is killed at any moment ends, resumed, with the bits of one that was not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = Path(__file__).with_name("kills.py")
COUNT = 20


@pytest.mark.slow
def test_twenty_kills(tmp_path):
    """In training, in QAT, and while best, log, state and result are half written."""
    words = [sys.executable, str(KILLS), str(tmp_path), "1", str(COUNT)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    assert len(lines) == COUNT
    assert [line for line in lines if not line.startswith("equal: ")] == []
