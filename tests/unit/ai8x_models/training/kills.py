"""Train, and be killed at a given moment: run by `test_kills.py`, in a process of its own.

    python kills.py FOLDER SEED COUNT

Trains once without being disturbed, then COUNT times with a kill -9 and `--resume`. The moment is a
step of training, or a file of which half is on disk. Children are forked, so that what is imported
is imported once. Prints one line a kill: where it was, and whether the result is the same.
"""

import io
import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from ai8x_models.training import loop
from ai8x_models.training.logs import Console
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.zoo.toy_data import draw_samples
from max78000 import files

RECIPE = """\
name: {name}
model: DigitNet
epochs: 5
batch_size: 16
data: {{source: digits.npz}}
augment: {{shift: 1}}
keep: best
average: {{decay: 0.9}}
qat: {{start_epoch: 2, ranges: measured}}
"""
N_EXAMPLES = 80
N_STEPS, N_FILES = 15, 15  # of a run: less than there are


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at_step(n):
    real, seen = loop.move_weights, []

    def step(*arguments):
        seen.append(1)
        if len(seen) == n:
            die()
        return real(*arguments)

    loop.move_weights = step


def kill_while_writing(n):
    real, seen = files._write_through, []

    def write(path, contents):
        seen.append(path)
        if len(seen) == n:
            path.write_bytes(contents[: len(contents) // 2])
            die()
        real(path, contents)

    files._write_through = write


def in_child(name, prepare, **how):
    """Train in a fork; its exit status."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        prepare()
        loop.train(parse_recipe(RECIPE.format(name=name), name), Console(io.StringIO()), **how)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def left_by(name):
    """Everything that is to be the same, but for the name."""
    folder = Path("runs") / name
    names = (f"{name}.pth.tar", f"{name}-last.pth.tar")
    states = [torch.load(folder / one, weights_only=True)["state_dict"] for one in names]
    cut = sorted(path.name for path in folder.iterdir() if path.suffix == ".tmp")
    texts = [(folder / one).read_text() for one in ("log.csv", "metrics.json", "curves.svg")]
    return states, texts, cut


def are_equal(one, other):
    states = zip(one[0], other[0], strict=True)
    return one[1:] == other[1:] and all(
        a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a) for a, b in states
    )


def main(folder, seed, count):
    os.chdir(folder)
    samples = draw_samples("digits", N_EXAMPLES, 0)
    inputs, targets = (samples.inputs * 128).numpy().astype(np.int8), samples.targets.numpy()
    np.savez("digits.npz", inputs=inputs, targets=targets)
    assert in_child("whole", lambda: None) == 0
    wanted, rng = left_by("whole"), random.Random(int(seed))
    for index in range(int(count)):
        name = f"killed{index}"
        kill, n_moments = rng.choice([(kill_at_step, N_STEPS), (kill_while_writing, N_FILES)])
        moment = rng.randint(1, n_moments)
        where = f"{kill.__name__} {moment}"
        status = in_child(name, lambda kill=kill, moment=moment: kill(moment))
        if status != signal.SIGKILL:
            sys.stdout.write(f"not killed: {where}, status {status}\n")
        elif in_child(name, lambda: None, resume=(Path("runs") / name).exists()):
            sys.stdout.write(f"not resumed: {where}\n")
        else:
            is_equal = are_equal(left_by(name), wanted)
            sys.stdout.write(f"{'equal' if is_equal else 'different'}: {where}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
