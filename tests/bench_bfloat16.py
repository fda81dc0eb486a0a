"""Quantization-aware training in bfloat16 or float32: equally good? Numbers to look at.

    python tests/bench_bfloat16.py digits    scikit-learn's digits, DigitNet from nothing
    python tests/bench_bfloat16.py pose      TinyStudentModel, distilled as by `make qat`, but short
    python tests/bench_bfloat16.py table     what was measured so far

Both arms have the same examples, seeds and steps. The second table is about one network, trained in
bfloat16: how many of its results are those of the chip if it computes in either precision. What is
finished stays in build/bench_bfloat16 and is not done again.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

import click
import torch

from ai8x_models.describe.stored import load_network
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.qat import DATA_GRID
from ai8x_models.quantize.quantize import load_integer_model, quantize_checkpoint
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.training.task import task_of

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench_bfloat16"
SEEDS = (1, 2, 3)
ARMS = ("float32", "bfloat16")
T_95 = 4.303  # of Student, two-sided, for three seeds

DIGITS = """\
name: {name}
model: DigitNet
seed: {seed}
precision: {precision}
epochs: 12
data: {{source: "sklearn:digits"}}
augment: {{shift: 1}}
keep: last
qat: {{start_epoch: 6}}
"""
POSE = """\
name: {name}
model: TinyStudentModel
seed: {seed}
precision: {precision}
epochs: 2
start_from: {root}/checkpoints/pose_tiny.pth.tar
data: {{preset: single, train_count: 512, validation_count: 200, folder: {root}/data}}
optimizer: {{peak_rate: 1e-3}}
distill: {{teacher: {root}/checkpoints/pose_student.pth.tar}}
qat: {{start_epoch: 0}}
"""
KINDS = {"digits": (DIGITS, "accuracy"), "pose": (POSE, "ap")}


def layer_results(model, inputs, precision):
    """What every layer gives, in whole numbers."""
    found = {}

    def keep(name):
        return lambda _layer, _inputs, result: found.__setitem__(name, result.detach().float())

    layers = {name: one for name, one in model.named_modules() if isinstance(one, FusedLayer)}
    hooks = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        model(inputs)
    for hook in hooks:
        hook.remove()
    narrow = {name: one for name, one in found.items() if not layers[name].plan.wide}
    return {name: (one * DATA_GRID.one).round() for name, one in narrow.items()}


def equality(path, examples):
    """Per precision: share of results that the integers have, and the largest difference."""
    integers = path.with_name("q.pth.tar")
    quantize_checkpoint(path, integers)
    inputs = next(examples.in_order(32)).inputs
    model, chip = load_network(path).eval(), load_integer_model(integers)
    wanted = {}
    for name, one in layer_results(chip, inputs * DATA_GRID.one, "float32").items():
        wanted[name] = one / DATA_GRID.one  # integers already
    found = {}
    for arm in ARMS:
        results = layer_results(model, inputs, arm)
        pairs = [(results[name], wanted[name]) for name in wanted]
        n_equal = sum(int((one == other).sum()) for one, other in pairs)
        found[f"{arm} equal"] = n_equal / sum(one.numel() for one, _ in pairs)
        found[f"{arm} farthest"] = max(float((one - other).abs().max()) for one, other in pairs)
    return found


def measure(kind, precision, seed):
    """Train one arm and keep what came out."""
    text, score = KINDS[kind]
    name = f"{kind}-{precision}-seed{seed}"
    result = Path(f"{name}.json")
    if result.exists():
        return
    recipe = parse_recipe(text.format(name=name, seed=seed, precision=precision, root=ROOT), name)
    start = time.process_time()
    path = train(recipe, Console(sys.stderr), overwrite=True)
    seconds = time.process_time() - start
    scores = json.loads((path.parent / "metrics.json").read_text(encoding="utf-8"))
    examples = task_of(recipe.model).open_examples(recipe, "validation", Console(sys.stderr))
    found = {score: scores[score], "CPU s": seconds} | equality(path, examples)
    result.write_text(json.dumps(found), encoding="utf-8")


def print_table():
    """Means of the seeds, half the distance between the extremes, and what bfloat16 adds."""
    for kind, (_, score) in KINDS.items():
        arms = [
            [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{kind}-{arm}-*.json"))]
            for arm in ARMS
        ]
        for arm, runs in zip(ARMS, arms, strict=True):
            for column in runs[0] if runs else ():
                found = [run[column] for run in runs]
                half = (max(found) - min(found)) / 2
                mean = statistics.mean(found)
                click.echo(f"{kind} in {arm}, {len(runs)} seeds: {column} {mean:.5f} ± {half:.5f}")
        if all(len(runs) == len(SEEDS) for runs in arms):
            gains = [b[score] - a[score] for a, b in zip(*arms, strict=True)]
            half = T_95 * statistics.stdev(gains) / len(gains) ** 0.5
            click.echo(f"{kind}, bfloat16 less float32: {statistics.mean(gains):+.4f} ± {half:.4f}")


@click.command(help=__doc__)
@click.argument("what", type=click.Choice([*KINDS, "table"]))
def main(what):
    """Do all arms of one kind, seed by seed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.chdir(FOLDER)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if what != "table":
        for seed in SEEDS:
            for arm in ARMS:
                measure(what, arm, seed)
    print_table()


if __name__ == "__main__":
    main()
