"""Ctrl-C ends every command at once and without a word, whatever it is at, and harms nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from writers import COMMANDS, SILENT

SEED = "1"
LEAST_SHARE = 0.6  # of the moments: some commands are over before


@pytest.mark.slow
@pytest.mark.parametrize("tools", [("ai8x",), ("synthesize", "max78000")], ids=" and ".join)
def test_every_command_can_be_interrupted_at_any_time(tools, tmp_path):
    names = [name for name in (*COMMANDS, *SILENT) if name.startswith(tools)]
    program = Path(__file__).with_name("interruptions.py")
    result = subprocess.run(
        [sys.executable, str(program), str(tmp_path), SEED, *names],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stderr
    assert [line for line in lines if not line.endswith((": interrupted", ": over before"))] == []
    assert {line.partition(", ")[0] for line in lines} == set(names)
    n_interrupted = sum(line.endswith(": interrupted") for line in lines)
    assert n_interrupted >= LEAST_SHARE * len(lines)
