"""Run commands that write, and kill them: run by `test_command_kills.py`, in a process of its own.

    python command_kills.py FOLDER TIMES_AT_RANDOM SEED [COMMAND...]

Each command is first run to its end; what it leaves is what is right. Then every file of that is
replaced by an old one, and the command is killed: in the middle of each file that it writes, right
before and right after each change of a name, and at random moments. After each kill every file must
be old, whole, or not there yet; after the next run everything must be right, with nothing beside
it. Children are forked, so that what is imported is imported once. Prints a line for each kill.
"""

import importlib
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from max78000 import files

ROOT = Path(__file__).resolve().parents[2]
TINY, INTEGERS = ROOT / "checkpoints/pose_tiny.pth.tar", ROOT / "checkpoints/pose_tiny-q.pth.tar"
SAMPLE, OLD, MINE = ROOT / "networks/samples/pose_tiny.npy", b"old", "mine.txt"
KEPT = "project.mk"  # is the user's once it is there
NETWORK = (str(ROOT / "networks/pose_tiny.yaml"), "--checkpoint-file", str(INTEGERS),
           "--sample-input", str(SAMPLE), "--test-dir", ".")  # fmt: skip
DIGITS = ("--model", "DigitNet", "--data", "../digits.npz", "--epochs", "1",
          "--batch-size", "16")  # fmt: skip
TRAINED = "../runs/digits/digits.pth.tar"

# Name -> command, which writes to the folder "out", and whether it replaces what is there.
COMMANDS = {
    "synthesize": (("synthesize", *NETWORK, "--prefix", "out", "--overwrite"), True),
    "together": (
        ("synthesize", f"a={NETWORK[0]}", f"b={NETWORK[0]}", "--checkpoint-file", str(INTEGERS),
         "--checkpoint-file", str(INTEGERS), "--sample-input", str(SAMPLE), "--sample-input",
         str(SAMPLE), "--test-dir", ".", "--prefix", "out", "--overwrite"),
        True,
    ),
    "quantize": (("ai8x", "quantize", str(TINY), "out/q.pth.tar", "--overwrite"), True),
    "describe": (
        ("ai8x", "describe", "DigitNet", "--out", "out/d.yaml", "--checkpoint-out",
         "out/d-q.pth.tar", "--sample-out", "out/d.npy", "--overwrite"),
        True,
    ),
    "sample": (("ai8x", "sample", "pose_tiny", "--out", "out/s.npy", "--overwrite"), True),
    "dump": (("ai8x", "dump", str(INTEGERS), str(SAMPLE), "out/d.npz", "--overwrite"), True),
    "predict": (
        ("ai8x", "predict", str(ROOT / "networks/samples/people.png"), "--checkpoint",
         str(INTEGERS), "--out", "out"),
        True,
    ),
    "data": (("ai8x", "data", "--count", "2", "--folder", "out"), False),
    "ai8x new": (("ai8x", "new", "out"), False),
    "new": (
        ("max78000", "new", "out", "--app", "serial", "--from", "../project", "--overwrite"),
        True,
    ),
    "compare": (("max78000", "compare", "../project", "--save", "out/l.npz"), True),
    "export": (("ai8x", "export", "DigitNet", "--out", "out/d.onnx", "--overwrite"), True),
    "evaluate": (
        ("ai8x", "evaluate", TRAINED, "--report", "out/e.html", "--overwrite"),
        True,
    ),
    "ai8x compare": (
        ("ai8x", "compare", str(TINY), f"q={INTEGERS}", "--count", "2", "--folder", "../data",
         "--out", "out"),
        True,
    ),
}  # fmt: skip
PACKAGES = {"synthesize": "synthesis", "ai8x": "ai8x_models", "max78000": "max78000"}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Moments:
    """Counts the moments at which a run changes what others see; dies at one of them."""

    def __init__(self, wanted):
        self.n_seen, self.wanted = 0, wanted

    def passed(self):
        self.n_seen += 1
        if self.n_seen == self.wanted:
            die()

    def watch(self):
        """Stand before and after every change of a name, and in the middle of every file."""
        write = files._write_through

        def half_written(path, contents):
            if self.n_seen + 1 == self.wanted:
                with path.open("wb") as file:
                    file.write(contents[: len(contents) // 2])
            self.passed()
            write(path, contents)

        files._write_through = half_written
        for name in ("write_bytes", "write_text"):
            setattr(Path, name, self._half(getattr(Path, name)))
        for home, name in ((os, "replace"), (os, "rename"), (files, "_swapped")):
            setattr(home, name, self._around(getattr(home, name)))

    def _half(self, write):
        def written(path, contents, *arguments, **more):
            if self.n_seen + 1 == self.wanted:
                write(path, contents[: len(contents) // 2], *arguments, **more)
            self.passed()
            return write(path, contents, *arguments, **more)

        return written

    def _around(self, change):
        def changed(*arguments, **more):
            self.passed()
            result = change(*arguments, **more)
            self.passed()
            return result

        return changed


def run(words, wanted=0, after_s=None):
    """Run a command in a fork; its status, and how many moments it passed (none if killed)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        moments = Moments(wanted)
        moments.watch()
        status = command(words)
        os.write(writing, str(moments.n_seen).encode())
        os._exit(status)
    os.close(writing)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    with os.fdopen(reading) as file:
        return status, int(file.read() or 0)


def command(words):
    """Run a command in this process; its exit status."""
    sys.argv = list(words)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    if "-v" not in sys.argv:
        os.dup2(quiet, 2)
    try:
        importlib.import_module(f"{PACKAGES[words[0]]}.commands.start").main()
    except SystemExit as end:
        return end.code or 0
    return 0


def tree(folder):
    """Files by name."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def prepared(name, right):
    """What is there before: old files and one of the user's, or nothing but a folder to fill."""
    words, is_replacing = COMMANDS[name]
    shutil.rmtree("out", ignore_errors=True)
    if any(word.startswith("out/") for word in words):
        Path("out").mkdir()
    for made in right.keys() - {KEPT} if is_replacing else ():
        path = Path("out") / made
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(OLD)
    if right and is_replacing:
        (Path("out") / MINE).write_text("mine")


def problem_after_kill(right):
    """What is half-written."""
    for name, content in tree("out").items():
        is_temporary = any(part.endswith(".tmp") for part in Path(name).parts)
        if not is_temporary and name != MINE and content not in (OLD, right.get(name)):
            return f"{name} is neither old nor new"
    return ""


def problem_after_next(right, is_replacing):
    """What the next run has not put right."""
    wanted = right | ({MINE: b"mine"} if is_replacing else {})
    found = tree("out")
    if found != wanted:
        names = [name for name in found.keys() | wanted.keys()
                 if found.get(name) != wanted.get(name)]  # fmt: skip
        return f"not right again: {', '.join(sorted(names)[:4])}"
    beside = [path.name for path in Path().iterdir() if path.name not in ("out", "runs")]
    return f"left over: {', '.join(beside)}" if beside else ""


def kills_of(name, n_at_random, rng):
    """Kill a command everywhere; yields what was done and what is wrong."""
    words, is_replacing = COMMANDS[name]
    prepared(name, {})
    begun_s = time.monotonic()
    status, n_moments = run(words)
    lasts_s, right = time.monotonic() - begun_s, tree("out")
    if status or not right:
        yield f"{name}: does not run, status {status}", "failed"
        return
    kills = [("moment", moment) for moment in range(1, n_moments + 1)]
    kills += [("second", rng.uniform(0, lasts_s)) for _ in range(n_at_random)]
    for kind, value in kills:
        prepared(name, right)
        how = {"wanted": value} if kind == "moment" else {"after_s": value}
        status, _ = run(words, **how)
        problem = problem_after_kill(right)
        status = run(words)[0]
        # What refuses to replace a whole result has nothing left to do.
        is_done = not is_replacing and tree("out") == right
        if not problem and status and not is_done:
            problem = f"the next run ends with {status}"
        yield f"{name} {kind} {value:.4g}", problem or problem_after_next(right, is_replacing)


def main(folder, n_at_random, seed, *names):
    os.chdir(folder)
    project = (*NETWORK, "--prefix", "project", "--timer", "0")
    assert run(("synthesize", *project))[0] == 0
    _load()
    _draw_digits(Path("digits.npz"))
    Path("work").mkdir()
    os.chdir("work")
    Path("../runs").mkdir()
    Path("runs").symlink_to("../runs")
    assert run(("ai8x", "train", *DIGITS, "--name", "digits"))[0] == 0
    rng = random.Random(int(seed))
    for name in names or COMMANDS:
        for kill, problem in kills_of(name, int(n_at_random), rng):
            sys.stdout.write(f"{kill}: {problem or 'right'}\n")
            sys.stdout.flush()


def _draw_digits(path):
    """Write data to train on."""
    from ai8x_models.zoo.toy_data import draw_samples  # noqa: PLC0415 - loads PyTorch

    samples = draw_samples("digits", 32, 0)
    inputs = (samples.inputs * 128).numpy().astype(np.int8)
    np.savez(path, inputs=inputs, targets=samples.targets.numpy())


def _load():
    """Import what the commands need, once."""
    import torch  # noqa: PLC0415 - only here

    torch.set_num_threads(1)
    for name in ("synthesis.api", "synthesis.emit.write", "ai8x_models.tasks.pose.predictor",
                 "ai8x_models.quantize.quantize", "ai8x_models.describe.describe",
                 "ai8x_models.commands.run_recipe", "ai8x_models.tasks.sampled.report",
                 "max78000.apps.new.folder", "max78000.machine.predict"):  # fmt: skip
        importlib.import_module(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
