"""The command `ai8x`: from a network on paper to integers for the chip.

One verb is one file of this folder: it parses, calls the library and shows the result. Results go
to standard output, progress and problems to standard error. What a kind of work has for a command
line, its data, scores and predictions, is mounted by its package.
"""

import click

from ai8x_models.commands.by_task import TaskGroup
from max78000.command import Verb, examples, run

VERBS = (
    Verb("list", "ai8x_models.commands.list:list_networks", "Show the networks of the zoo."),
    Verb(
        "new",
        "ai8x_models.commands.new:new",
        "Make a project: model, recipe, README and Makefile.",
    ),
    Verb("train", "ai8x_models.commands.train:train", "Train a network."),
    Verb(
        "search",
        "ai8x_models.commands.search:search",
        "Find networks that are right, quick and small.",
    ),
    Verb(
        "prune",
        "ai8x_models.commands.prune:prune",
        "Take the least important channels out of a trained network.",
    ),
    Verb("distill", "ai8x_models.commands.distill:distill", "Train a network with a teacher."),
    Verb(
        "quantize",
        "ai8x_models.commands.quantize:quantize",
        "Turn a training checkpoint into integers.",
    ),
    Verb(
        "describe",
        "ai8x_models.commands.describe:describe",
        "Write the network description of a model.",
    ),
    Verb(
        "export",
        "ai8x_models.commands.export:export",
        "Write a model as ONNX, for viewers and other tools.",
    ),
    Verb("dump", "ai8x_models.commands.dump:dump", "Write what every layer computes from SAMPLE."),
)


@click.group(
    "ai8x",
    cls=TaskGroup,
    verbs=VERBS,
    mounted="ai8x.verbs",
    epilog=examples(
        "ai8x distill --config ai8x_models/recipes/tiny_qat.yaml",
        "ai8x quantize runs/tiny_qat/tiny_qat.pth.tar pose_tiny-q.pth.tar",
        "ai8x evaluate pose_tiny-q.pth.tar",
    ),
)
def cli() -> None:
    """Train networks for the MAX78000 and turn them into integers."""


def main() -> None:
    """Run the command line."""
    run(cli)


if __name__ == "__main__":
    main()
