"""Fixed or measured ranges: which trains better in the same time? Numbers to look at.

    python tests/bench_qat.py digits     scikit-learn's pictures of digits, DigitNet from nothing
    python tests/bench_qat.py pose       TinyStudentModel, distilled as by `make qat`, but shorter
    python tests/bench_qat.py table      what was measured so far

Both arms have the same examples and seeds and about the same time: measuring takes nearly an epoch,
so the pose network has one more with fixed ranges. What is finished stays in build/bench_qat and is
not done again; what was interrupted goes on.
"""

import json
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import click
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "ai8x_models" / "training"))
import toy_task  # noqa: E402 - found on the path above

from ai8x_models.layers.qat import DATA_GRID  # noqa: E402
from ai8x_models.quantize.quantize import load_integer_model, quantize_checkpoint  # noqa: E402
from ai8x_models.tasks.pose.data.source import DataSource, open_data  # noqa: E402
from ai8x_models.tasks.pose.predictor import Predictor, score_networks  # noqa: E402
from ai8x_models.training import loop, task  # noqa: E402
from ai8x_models.training.logs import Console  # noqa: E402
from ai8x_models.training.progress import no_progress  # noqa: E402
from ai8x_models.training.recipe_file import parse_recipe  # noqa: E402
from ai8x_models.training.sections import within  # noqa: E402
from ai8x_models.training.state import STATE_NAME  # noqa: E402

FOLDER = ROOT / "build" / "bench_qat"
SEEDS = (1, 2, 3)
T_95 = 4.303  # of Student, two-sided, for three seeds
ARMS = ("fixed", "measured")
N_TEST = 500  # of scikit-learn's 1797
DIGIT_RUNS = (  # weight bits, examples, epochs; QAT takes the last quarter
    (8, 1297, 20),
    (8, 200, 80),
    (4, 1297, 20),
)

DIGITS = """\
name: {name}
model: DigitNet
seed: {seed}
epochs: {epochs}
data: {{name: digits, train_count: {count}}}
qat: {{start_epoch: {start}, weight_bits: {bits}, ranges: {ranges}}}
"""
POSE = """\
name: {name}
model: TinyStudentModel
seed: {seed}
epochs: {epochs}
start_from: {root}/checkpoints/pose_tiny.pth.tar
data: {{preset: single, train_count: 1000, validation_count: 200, folder: {root}/data}}
optimizer: {{peak_rate: 1e-3}}
augment: {{jitter: true}}
distill: {{teacher: {root}/checkpoints/pose_student.pth.tar}}
qat: {{start_epoch: 0, ranges: {ranges}}}
"""


@dataclass(frozen=True)
class SmallData(toy_task.ToyData):
    train_count: int = field(metadata=within(1, 2000))


@dataclass(frozen=True)
class SmallRecipe(toy_task.ToyRecipe):
    data: SmallData


def open_digits(recipe, split, _console):
    """The first examples of a fixed order are for training, the last `N_TEST` for the score."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - `pose` needs none

    found = load_digits()
    large = np.kron(found.images, np.ones((3, 3)))  # 8x8, 0..16 -> 24x24
    bytes_ = np.clip(np.round(np.pad(large, ((0, 0), (2, 2), (2, 2))) * 16) - 128, -128, 127)
    order = np.random.default_rng(0).permutation(len(bytes_))
    order = order[: recipe.data.train_count] if split == "train" else order[-N_TEST:]
    inputs = torch.from_numpy(bytes_[order, None].astype(np.float32) / DATA_GRID.one)
    return toy_task.Digits(inputs, torch.from_numpy(found.target[order].astype(np.int64)))


TASK = toy_task.Task(
    recipe=SmallRecipe,
    open_examples=open_digits,
    make_loss=lambda recipe, _examples: toy_task.CrossEntropy(recipe),
    score=toy_task.score,
    shown_scores={"accuracy": "accuracy"},
)


def digit_scores(path, recipe):
    """Accuracies in float, right before QAT; after it; and of the integers."""
    test = open_digits(recipe, "validation", None)
    integers = path.with_name("q.pth.tar")
    quantize_checkpoint(path, integers)
    model = load_integer_model(integers)
    device = toy_task.Digits(test.inputs * DATA_GRID.one, test.targets)
    scores = json.loads((path.parent / "metrics.json").read_text(encoding="utf-8"))
    return {
        "float": json.loads((path.parent / "float.json").read_text(encoding="utf-8"))["accuracy"],
        "QAT": scores["accuracy"],
        "integer": toy_task.score(model, device, no_progress)["accuracy"],
    }


def pose_scores(path, recipe):
    """AP after QAT, and AP and PCK of the integers, on rendered validation pictures."""
    integers = path.with_name("q.pth.tar")
    quantize_checkpoint(path, integers)
    console, plan = Console(sys.stderr), recipe.data
    source = DataSource(plan.folder, plan.preset, "validation", plan.validation_count)
    trained, whole, _ = score_networks(
        [(one, Predictor.load(one)) for one in (path, integers)],
        open_data(source, console),
        console,
    ).values()
    return {"QAT AP": trained.ap, "integer AP": whole.ap, "integer PCK": whole.pck}


def keep_float_scores():
    """Let runs leave `float.json`, the scores right before QAT."""
    begin = loop.begin_qat

    def scored(run, policy, console):
        scores = run.task.score(run.model, run.validation, no_progress)
        text = json.dumps(scores)
        (run.recipe.run_folder / "float.json").write_text(text, encoding="utf-8")
        begin(run, policy, console)

    loop.begin_qat = scored


def measure(text, name, score, **values):
    """Train one arm, or go on with it, and keep what came out."""
    result = Path(f"{name}.json")
    if result.exists():
        return
    recipe, start = (
        parse_recipe(text.format(name=name, root=ROOT, **values), name),
        time.process_time(),
    )
    path = loop.train(
        recipe,
        Console(sys.stderr),
        resume=(recipe.run_folder / STATE_NAME).exists(),
        overwrite=not (recipe.run_folder / STATE_NAME).exists(),
    )
    seconds = time.process_time() - start
    scores = score(path, recipe) | {"CPU s": seconds}
    result.write_text(json.dumps(scores), encoding="utf-8")


def print_table():
    """Means of the seeds, half the distance between least and largest, and what measuring adds."""
    groups = {}
    for path in sorted(FOLDER.glob("*-seed*.json")):
        groups.setdefault(path.stem.rsplit("-", 1)[0], []).append(json.loads(path.read_text()))
    for name, runs in groups.items():
        columns = []
        for column in runs[0]:
            found = [run[column] for run in runs]
            columns.append(
                f"{column} {statistics.mean(found):.4f} ± {(max(found) - min(found)) / 2:.4f}"
            )
        click.echo(f"{name:24} {len(runs)} seeds   " + "   ".join(columns))
    for name, runs in groups.items():
        others = groups.get(name.replace("fixed", "measured"), runs)
        if others is not runs and len(others) == len(runs) == len(SEEDS):
            column = next(one for one in runs[0] if one.startswith("integer"))
            gains = [b[column] - a[column] for a, b in zip(runs, others, strict=True)]
            half = T_95 * statistics.stdev(gains) / len(gains) ** 0.5
            click.echo(f"{name} to measured: {column} {statistics.mean(gains):+.4f} ± {half:.4f}")


@click.command(help=__doc__)
@click.argument("what", type=click.Choice(["digits", "pose", "table"]))
def main(what):
    """Do all arms of one kind, seed by seed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.chdir(FOLDER)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if what == "digits":
        point = EntryPoint("classification", f"{__name__}:TASK", task.ENTRY_POINTS)
        task.entry_points = lambda group: EntryPoints([point])
        keep_float_scores()
    for seed in SEEDS if what != "table" else ():
        for ranges in ARMS:
            if what == "pose":
                measure(
                    *(POSE, f"pose-{ranges}-seed{seed}", pose_scores),
                    seed=seed,
                    ranges=ranges,
                    epochs=5 if ranges == "fixed" else 4,
                )
                continue
            for bits, count, epochs in DIGIT_RUNS:
                name = f"digits{bits}bit{count}-{ranges}-seed{seed}"
                measure(
                    *(DIGITS, name, digit_scores),
                    seed=seed,
                    ranges=ranges,
                    bits=bits,
                    count=count,
                    epochs=epochs,
                    start=epochs * 3 // 4,
                )
    print_table()


if __name__ == "__main__":
    main()
