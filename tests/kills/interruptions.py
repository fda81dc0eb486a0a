"""Interrupt commands as Ctrl-C does: run by `test_interruptions.py`, in a process of its own.

    python interruptions.py FOLDER SEED [COMMAND...]

Every command is interrupted at moments drawn at random: in new processes while modules load, and
in forks, which have them, while it works. The signal goes to all its processes, as from a terminal.
The command has to end soon, with the status for that, without a word and with no process left;
files are as they were or whole, nothing temporary is there, and the next run does it all. Prints a
line for each moment.
"""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from command_kills import go_on, prepared, problem_after_kill, problem_after_next, tree
from writers import COMMANDS, PACKAGES, ROOT, SILENT, forked, load, make_inputs

from max78000.commands import flash
from max78000.errors import INTERRUPTED

sys.path.append(str(ROOT / "tests/flash"))
from flash_bench import Bench

SAID = Path("../said.txt")
N_LOADING, LOADING_S = 2, (0.03, 0.5)
N_WORKING, SHORT_S, LONG_S = 3, 0.05, 2.0  # some are over at once, and some are never
PATIENCE_S = 20.0  # on a machine that has other work, too
POLL_S = 0.005
ALARMING = ("Traceback", "Exception ignored", "defect")
LOADS = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from {package}.commands.start import main
sys.argv = {words!r}
os.write({begun}, b"!")
main()
"""


@dataclass(frozen=True)
class End:
    """How a command ended.

    Args:
        status: as shells report it.
        said: on standard error.
        worked_s: until the signal, or the end if that was before.
        late_s: from the signal to the end.
        is_lost: the signal came, and the command went on to its end.
        has_left: other processes.
    """

    status: int
    said: str
    worked_s: float
    late_s: float
    is_lost: bool = False
    has_left: bool = False


class Pipe:
    """Bytes from what is begun to this process."""

    def __init__(self):
        self._reads, self.writes = os.pipe()

    def taken(self, n_most=-1):
        """What comes; who writes has the other end by now."""
        os.close(self.writes)
        with os.fdopen(self._reads, "rb") as file:
            return file.read(n_most)


def interrupted_process(words, after_s):
    """Interrupt a new process, so long after it has begun."""
    begun = Pipe()
    code = LOADS.format(package=PACKAGES[words[0]], words=list(words), begun=begun.writes)
    with SAID.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=[begun.writes],
            process_group=0,
        )
    begun.taken(1)
    end = interrupted(process.pid, after_s)
    process.returncode = end.status  # it has been waited for
    return end


def interrupted_fork(words, after_s):
    """Interrupt a fork of this process, so long after it has begun."""
    begun, lost = Pipe(), Pipe()
    came, coming = os.pipe()  # Python tells of a signal there, whatever becomes of it

    def begin():
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.set_blocking(came, False)
        os.set_blocking(coming, False)
        signal.set_wakeup_fd(coming)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        reach_a_board()
        os.write(begun.writes, b"!")

    def look():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with suppress(BlockingIOError):
            os.write(lost.writes, os.read(came, 1))

    child = forked(words, begin, look)
    os.close(came)
    os.close(coming)
    begun.taken(1)
    end = interrupted(child, after_s)
    return replace(end, is_lost=bool(lost.taken()) and end.status != INTERRUPTED)


def reach_a_board():
    """Let `max78000 flash` find a board: a virtual one."""
    bench = Bench()
    probe = bench.probe("pyocd")
    flash.choose_probe = lambda _name, _uid: probe.__enter__()


def interrupted(group, after_s):
    """Let a process work for a time; then send the signal to all of its group, and wait."""
    begun_s = time.monotonic()
    is_over, status = os.waitpid(group, os.WNOHANG)
    while not is_over and time.monotonic() < begun_s + after_s:
        time.sleep(POLL_S)
        is_over, status = os.waitpid(group, os.WNOHANG)
    sent_s = time.monotonic()
    if not is_over:
        os.killpg(group, signal.SIGINT)
        _, status = os.waitpid(group, 0)
    code = os.waitstatus_to_exitcode(status)
    late_s = time.monotonic() - sent_s
    said = SAID.read_text(errors="replace")
    code = code if code >= 0 else 128 - code
    return End(code, said, sent_s - begun_s, late_s, has_left=not is_gone(group))


def is_gone(group):
    """Whether all processes of a group end, by and by."""
    with suppress(ProcessLookupError):
        for _ in range(int(PATIENCE_S / POLL_S)):
            os.killpg(group, 0)
            time.sleep(POLL_S)
        return False
    return True


def problem_of(end, whole):
    """What is wrong with how a command ended, which without the signal ends as `whole`."""
    if end.is_lost:
        return "went on"
    if end.status not in (INTERRUPTED, whole.status):
        return f"status {end.status}, says {end.said}"
    if any(word in end.said for word in ALARMING) or n_lines(end.said) > n_lines(whole.said) + 1:
        return f"says {end.said}"
    if end.late_s > PATIENCE_S or end.has_left:
        return f"ended after {end.late_s:.1f} s" + ", and left processes" * end.has_left
    left = [str(path) for path in Path().rglob("*.tmp")]
    return f"left {', '.join(left)}" if left else ""


def n_lines(text):
    return text.count("\n")


def interruptions(words, whole, rng, prepare=lambda: None):
    """Interrupt a command several times; yields when, and how it ended."""
    lasts_s = whole.worked_s
    ways = [(interrupted_process, "loading", rng.uniform(*LOADING_S)) for _ in range(N_LOADING)]
    for number in range(N_WORKING if lasts_s > SHORT_S else 0):
        after_s = lasts_s * (number + rng.random()) / N_WORKING
        ways.append((interrupted_fork, "working", after_s))
    for run, phase, after_s in ways:
        prepare()
        yield f"{phase} for {after_s:.3f} s", run(words, after_s)


def interruptions_of_writer(writer, rng):
    """Interrupt a command that writes; yields when, how it ended, and what is wrong."""
    prepared(writer, {})
    whole = interrupted_fork(writer.words, sys.maxsize)
    assert whole.status == 0, whole
    right = tree(writer)
    found = interruptions(writer.words, whole, rng, lambda: prepared(writer, right))
    for moment, end in found:
        problem = problem_of(end, whole)
        if not writer.has_times:
            problem = problem or problem_after_kill(writer, right, writer.grows)
        is_done = not writer.is_replacing and end.status == 0
        if not problem and not is_done and (status := go_on(writer)):
            problem = f"the next run ends with {status}"
        if not problem and not writer.has_times:
            problem = problem_after_next(writer, right)
        yield moment, end, problem


def interruptions_of_other(words, rng):
    """Interrupt a command that writes nothing, and may work for ever; as the one before."""
    whole = interrupted_fork(words, LONG_S)
    for moment, end in interruptions(words, whole, rng):
        yield moment, end, problem_of(end, whole)


def interruptions_of(name, rng):
    """Interrupt a command; a line for each time."""
    if name in COMMANDS:
        found = interruptions_of_writer(COMMANDS[name], rng)
    else:
        found = interruptions_of_other(SILENT[name], rng)
    for moment, end, problem in found:
        was = "interrupted" if end.status == INTERRUPTED else "over before"
        yield f"{name}, {moment}: {problem.strip().replace(chr(10), ' / ') or was}"


def main(folder, seed, *names):
    load()
    make_inputs(folder)
    rng = random.Random(int(seed))
    for name in names or (*COMMANDS, *SILENT):
        for line in interruptions_of(name, rng):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
