"""`ai8x list`: the networks of the zoo."""

import json

import click

from ai8x_models.zoo.registry import MODELS
from max78000.command import JSON, examples
from max78000.command.table import print_table


@click.command("list", epilog=examples("ai8x list"))
@JSON
def list_networks(as_json: bool) -> None:
    """Show the networks of the zoo."""
    if as_json:
        rows = [
            {"name": m.name, "task": m.task, "dataset": m.dataset, "input": m.input_shape}
            for m in MODELS.values()
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    print_table(
        ("network", "task", "input", "what it does"),
        tuple(
            (model.name, model.task, "x".join(map(str, model.input_shape)), model.summary)
            for model in MODELS.values()
        ),
    )
