"""`ai8x list`: the networks of the zoo."""

import json

import click

from ai8x_models.zoo.registry import MODELS
from max78000.command import JSON, examples


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
    for model in MODELS.values():
        shape = "x".join(map(str, model.input_shape))
        click.echo(f"{model.name:<18} {model.task:<14} {shape:<10} {model.summary}")
