"""Run commands that write, and kill them: run by `test_command_kills.py`, in a process of its own.

    python command_kills.py FOLDER TIMES_AT_RANDOM SEED [COMMAND...]

Each command is first run to its end; what it leaves is what is right. Then every file of that is
replaced by an old one, and the command is killed: in the middle of each file that it writes, right
before and right after each change of a name, and at random moments. After each kill every file must
be old, whole, or not there yet; after the next run everything must be right, with nothing beside
it. Prints a line for each kill.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

from writers import COMMANDS, forked, load, make_inputs, quiet

from max78000 import files

OLD, MINE = b"old", "mine.txt"
KEPT = "project.mk"  # is the user's once it is there
BESIDE = ("out", "runs")  # what may be there at the end
N_ALIKE = 6  # moments of two or three changes of a name


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Moments:
    """Lists the moments at which a run changes what others see; dies at one of them.

    A moment is called by the file that changes; objects, which are compiled alike, all the same.
    """

    def __init__(self, wanted):
        self.seen, self.wanted = [], wanted

    def passed(self, path):
        name = os.path.basename(path)  # noqa: PTH119 - of whatever names a file
        self.seen.append("*.o" if name.endswith(".o") else name)
        if self.is_wanted(len(self.seen)):
            die()

    def is_wanted(self, number):
        return number == self.wanted

    def watch(self):
        """Stand before and after every change of a name, and in the middle of every file."""
        write = files._write_through

        def half_written(path, contents):
            if self.is_wanted(len(self.seen) + 1):
                with path.open("wb") as file:
                    file.write(contents[: len(contents) // 2])
            self.passed(path)
            write(path, contents)

        files._write_through = half_written
        for name in ("write_bytes", "write_text"):
            setattr(Path, name, self._half(getattr(Path, name)))
        for home, name in ((os, "replace"), (os, "rename"), (files, "_swapped")):
            setattr(home, name, self._around(getattr(home, name)))

    def _half(self, write):
        def written(path, contents, *arguments, **more):
            if self.is_wanted(len(self.seen) + 1):
                write(path, contents[: len(contents) // 2], *arguments, **more)
            self.passed(path)
            return write(path, contents, *arguments, **more)

        return written

    def _around(self, change):
        def changed(*arguments, **more):
            self.passed(arguments[-1])
            result = change(*arguments, **more)
            self.passed(arguments[-1])
            return result

        return changed


def run(words, wanted=0, after_s=None):
    """Run a command in a fork; its status, and the moments it passed (none if killed)."""
    reading, writing = os.pipe()
    moments = Moments(wanted)

    def begin():
        quiet()
        moments.watch()

    child = forked(words, begin, lambda: os.write(writing, json.dumps(moments.seen).encode()))
    os.close(writing)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    with os.fdopen(reading) as file:
        return status, json.loads(file.read() or "[]")


def tree(writer):
    """Files that it has left, by name."""
    paths = sorted(path for path in Path("out").rglob("*") if path.is_file())
    names = [str(path.relative_to("out")) for path in paths]
    apart = f"{writer.apart}/" if writer.apart else "\0"
    return {
        name: path.read_bytes()
        for name, path in zip(names, paths, strict=True)
        if not name.startswith(apart)
    }


def prepared(writer, right):
    """What is there before: old files and one of the user's, or nothing but a folder to fill."""
    shutil.rmtree("out", ignore_errors=True)
    if writer.begins_with:
        shutil.copytree(writer.begins_with, "out")
    elif not writer.makes_folder:
        Path("out").mkdir()
    if not (right and writer.is_replacing):
        return
    for name in right.keys() - {KEPT}:
        if any(fnmatch(name, pattern) for pattern in writer.makes):
            path = Path("out") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(OLD)
    (Path("out") / MINE).write_text("mine")


def problem_after_kill(writer, right, grows=""):
    """What is half-written; a file that grows may be so."""
    for name, content in tree(writer).items():
        parts = Path(name).parts
        is_other = any(part.endswith(".tmp") for part in parts) or parts[-1] in (MINE, grows)
        if not is_other and content not in (OLD, right.get(name)):
            return f"{name} is neither old nor new"
    return ""


def problem_after_next(writer, right):
    """What the next run has not put right."""
    wanted = right | ({MINE: b"mine"} if writer.is_replacing else {})
    found = tree(writer)
    if found != wanted:
        names = [name for name in found.keys() | wanted.keys()
                 if found.get(name) != wanted.get(name)]  # fmt: skip
        return f"not right again: {', '.join(sorted(names)[:4])}"
    beside = [path.name for path in Path().iterdir() if path.name not in BESIDE]
    return f"left over: {', '.join(beside)}" if beside else ""


def go_on(writer):
    """Run a command after a kill; its status."""
    has_begun = Path("out").exists() and any(Path("out").iterdir())
    return run((*writer.words, *(writer.again if has_begun else ())))[0]


def worth_it(moments):
    """Numbers of the moments to be killed at: of many alike some of the first and of the last."""
    alike = {}
    for number, name in enumerate(moments, 1):
        alike.setdefault(name, []).append(number)
    return sorted({n for some in alike.values() for n in (*some[:N_ALIKE], *some[-N_ALIKE:])})


def kills_of(name, n_at_random, rng):
    """Kill a command everywhere; yields what was done and what is wrong."""
    writer = COMMANDS[name]
    prepared(writer, {})
    status, _ = run(writer.words)
    right = tree(writer)
    if status or not right:
        yield f"{name}: does not run, status {status}", "failed"
        return
    prepared(writer, right)
    begun_s = time.monotonic()
    status, moments = run(writer.words)
    lasts_s = time.monotonic() - begun_s
    kills = [("moment", moment) for moment in worth_it(moments)]
    kills += [("second", rng.uniform(0, lasts_s)) for _ in range(n_at_random)]
    for kind, value in kills:
        prepared(writer, right)
        how = {"wanted": value} if kind == "moment" else {"after_s": value}
        run(writer.words, **how)
        problem = problem_after_kill(writer, right)
        status = go_on(writer)
        # What refuses to replace a whole result has nothing left to do.
        is_done = not writer.is_replacing and tree(writer) == right
        if not problem and status and not is_done:
            problem = f"the next run ends with {status}"
        yield f"{name} {kind} {value:.4g}", problem or problem_after_next(writer, right)


def main(folder, n_at_random, seed, *names):
    load()
    make_inputs(folder)
    rng = random.Random(int(seed))
    for name in names or (name for name, writer in COMMANDS.items() if not writer.has_times):
        for kill, problem in kills_of(name, int(n_at_random), rng):
            sys.stdout.write(f"{kill}: {problem or 'right'}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
