"""Commands that write are killed wherever a file or a name changes, and at random."""

import subprocess
import sys
from pathlib import Path

import pytest

N_AT_RANDOM, N_LEAST = 1, 200


@pytest.mark.slow
def test_nothing_is_half_written_or_left_over(tmp_path):
    program = Path(__file__).with_name("command_kills.py")
    command = [sys.executable, str(program), str(tmp_path), str(N_AT_RANDOM), "1"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stderr
    assert [line for line in lines if not line.endswith(": right")] == []
    assert len(lines) >= N_LEAST
