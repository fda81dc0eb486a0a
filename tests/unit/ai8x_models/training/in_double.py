"""Train in double precision, and write the loss of every step: run by `test_processes.py`.

    python in_double.py RECIPE OUT.json

What the networks of users compute in float32 is computed in float64 here, so that the order in
which numbers are added makes no difference that could grow.
"""

import io
import json
import sys
from pathlib import Path

import torch

from ai8x_models.training import loop, run
from ai8x_models.training.batches import map_tensors
from ai8x_models.training.logs import Console
from ai8x_models.training.processes import join_team
from ai8x_models.training.recipe_file import read_recipe


def doubled(tensor):
    return tensor.double() if tensor.is_floating_point() else tensor


def main(recipe, out):
    losses = []
    start, prepare, step = run.starting_model, loop.prepare, loop.move_weights

    def prepared(*arguments):
        found = prepare(*arguments)
        found.objective.double()
        return found

    def moved(*arguments):
        terms = step(*arguments)
        losses.append(terms["loss"].item())
        return terms

    run.starting_model = lambda *arguments: start(*arguments).double()
    run.Run.on_device = lambda _self, batch: map_tensors(batch, doubled)
    torch.Tensor.float = doubled
    loop.prepare, loop.move_weights = prepared, moved
    # What follows an epoch reads its data as they are.
    loop._validate = loop._score = lambda _run: {}
    loop.write_result = lambda *_arguments: None
    with join_team() as team:
        loop.train(read_recipe(Path(recipe)), Console(io.StringIO()), overwrite=True, team=team)
        if team.is_first:
            Path(out).write_text(json.dumps(losses))


main(*sys.argv[1:])
