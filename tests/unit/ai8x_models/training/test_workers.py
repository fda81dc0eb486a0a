"""Work of several processes comes in order, and ends at once, without a word, with Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from ai8x_models.training.workers import done_by_processes
from max78000.errors import InputError

PATIENCE_S = 50  # shorter than the works
PROGRAM = """
import signal, sys, time
from ai8x_models.training.workers import done_by_processes

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in the foreground
    try:
        with done_by_processes(time.sleep, [0, 0, 100, 100, 100], 2) as done:
            for _ in done:
                print("done", flush=True)
    except KeyboardInterrupt:
        sys.exit("interrupted")
"""


def refuse_odd(number):
    if number % 2:
        raise InputError(f"{number} is odd")
    return number


@pytest.mark.long
def test_results_come_in_order():
    with done_by_processes(abs, range(-5, 0), 2, n_at_once=2) as done:
        assert list(done) == [5, 4, 3, 2, 1]


@pytest.mark.long
def test_a_refusal_ends_the_others():
    with (
        pytest.raises(InputError, match="1 is odd"),
        done_by_processes(refuse_odd, range(100), 2) as done,
    ):
        list(done)


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_all(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, "program.py"], cwd=tmp_path, process_group=0,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert [program.stdout.readline() for _ in range(2)] == ["done\n"] * 2
        begun_s = time.monotonic()
        os.killpg(program.pid, signal.SIGINT)
        said = program.communicate(timeout=PATIENCE_S)[1]
    assert (program.returncode, said) == (1, "interrupted\n")
    with suppress(ProcessLookupError):
        while time.monotonic() - begun_s < PATIENCE_S:
            os.killpg(program.pid, 0)
            time.sleep(0.01)
        pytest.fail("some process goes on")
