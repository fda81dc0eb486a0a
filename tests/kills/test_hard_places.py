"""Commands that write say in one line why they cannot, wherever that is, and leave no half."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from writers import COMMANDS, SILENT

from ai8x_models.commands.main import cli as ai8x
from max78000.commands.main import cli as max78000

N_PLACES = 7
CAN_MOUNT = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)


def test_every_verb_is_among_those_that_write_or_among_those_that_do_not():
    verbs = {
        f"{tool.name} {verb}"
        for tool in (ai8x, max78000)
        for verb in tool.list_commands(click.Context(tool))
    }
    told = {" ".join(name.split()[:2]) for name in COMMANDS if not name.startswith("synthesize")}
    assert told | set(SILENT) == verbs
    assert not told & set(SILENT)


@pytest.mark.slow
@pytest.mark.skipif(CAN_MOUNT.returncode != 0, reason="needs root: it fills disks of its own")
def test_every_command_refuses_in_one_line_wherever_it_cannot_write(tmp_path):
    program = Path(__file__).with_name("hard_places.py")
    result = subprocess.run(
        [sys.executable, str(program), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stderr
    assert [line for line in lines if not line.endswith(": right")] == []
    assert len(lines) == len(COMMANDS) * N_PLACES
