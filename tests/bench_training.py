"""How fast does TinyStudentModel train? Pictures a second of one thread, and ratios.

    python tests/bench_training.py

Steps of a batch of 32, forth, back and AdamW, of four networks in turn: plain layers of PyTorch in
channels-last, layers of ours in float and in QAT, and QAT in bfloat16. CPU seconds, medians of
ratios of neighbours, so that other work on the machine does not matter.
"""

import statistics
import time

import click
import torch
import torch.nn.functional as F
from torch import nn

from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import start_qat
from ai8x_models.zoo.load import channels_last
from ai8x_models.zoo.registry import create_model
from max78000.facts.fixed import Activation

NAME, BATCH = "TinyStudentModel", 32


class Plain(nn.Module):
    """What a layer of ours would be without the chip: no clamps, no grid."""

    def __init__(self, layer):
        super().__init__()
        self.op, self.bn, self.plan = layer.op, layer.bn, layer.plan

    def forward(self, x):
        plan = self.plan
        if plan.pool is not None:
            pool = F.max_pool2d if plan.pool == "max" else F.avg_pool2d
            x = pool(x, plan.pool_size, plan.pool_stride)
        x = self.op(x)
        x = x if self.bn is None else self.bn(x)
        return F.relu(x) if plan.activation is Activation.RELU else x


def plain(model):
    for name, layer in list(model.named_modules()):
        if isinstance(layer, FusedLayer):
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, Plain(layer))
    return model


def stepper(model, inputs, is_short=False):
    """A function that takes one step and returns its CPU seconds."""
    model = channels_last(model).train()
    optimizer = torch.optim.AdamW(model.parameters())

    def step():
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=is_short):
            loss = sum(answer.float().square().mean() for answer in model(inputs))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return time.process_time() - start

    return step


def in_qat():
    model = create_model(NAME).eval()
    start_qat(model, QatPolicy(0))
    return model


@click.command(help=__doc__)
@click.option("--rounds", default=9, show_default=True)
@click.option("--rounds-bfloat16", default=1, show_default=True, help="Slow without instructions.")
def main(rounds, rounds_bfloat16):
    """Print one line per network."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    inputs = torch.randint(-128, 128, (BATCH, 3, 128, 128)).float() / 128
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    steppers = {
        "plain torch": stepper(plain(create_model(NAME)), inputs),
        "float": stepper(create_model(NAME), inputs),
        "QAT": stepper(in_qat(), inputs),
    }
    for step in steppers.values():
        step()  # what is made at the first step
    found = [{name: step() for name, step in steppers.items()} for _ in range(rounds)]
    short = stepper(in_qat(), inputs, is_short=True)
    short()
    shorts = [{"QAT, bfloat16": short()} | one for one in found[:rounds_bfloat16]]
    click.echo(f"{NAME}, batch {BATCH}, {torch.backends.cpu.get_cpu_capability()}, 1 thread")
    click.echo("network          pictures/s   CPU s a step, to plain   to float")
    for name, rows in (dict.fromkeys(steppers, found) | {"QAT, bfloat16": shorts}).items():
        seconds = statistics.median(row[name] for row in rows)
        ratios = (
            statistics.median(row[name] / row[other] for row in rows)
            for other in ("plain torch", "float")
        )
        click.echo(f"{name:14}{BATCH / seconds:12.1f}" + "".join(f"{one:19.2f}" for one in ratios))


if __name__ == "__main__":
    main()
