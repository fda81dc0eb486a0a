"""Recipe files: YAML text in, one frozen and checked recipe out.

The network's task says which recipe it is; see `task.py`. Every problem is reported at once, each
with its line. It opens no data and builds no model.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from ai8x_models.training.recipe import Recipe
from ai8x_models.training.recipe_nodes import nodes_of, read_nodes
from ai8x_models.training.schedule_file import read_schedule
from ai8x_models.training.sections import Place, read_section
from ai8x_models.training.task import task_of
from max78000.errors import InputError, ProblemList, ToolError, raise_all


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe file, or one of those that are shipped.

    Raises:
        InputError: no such file, not UTF-8, not YAML, not a recipe.
        UnsupportedError: nothing here trains the network.
        ProblemList: several problems; each with its line.
    """
    return _recipe_of(read_nodes(path), str(path))


def parse_recipe(text: str, source: str) -> Recipe:
    """Turn YAML text into a recipe; `source` is the name that messages give it."""
    return _recipe_of(nodes_of(text, source), source)


def _recipe_of(root: yaml.Node, source: str) -> Recipe:
    recipe = _read(root, Place(source))
    raise_all(_contradictions(recipe, source))
    return recipe


def _read(root: yaml.Node, place: Place) -> Recipe:
    """Read a recipe of the form that its network's task gives it."""
    kind, problems = Recipe, list[ToolError]()
    model, task = _value_of(root, "model"), _value_of(root, "task")
    if model is not None:
        try:
            kind = task_of(model.value, task.value if task else None).recipe
        except ToolError as problem:
            key, node = ("task", task) if task else ("model", model)
            problem.where = (place / key).at(node)
            problems.append(problem)
    try:
        recipe = read_section(root, kind, place)
    except ToolError as problem:
        problems += problem.problems if isinstance(problem, ProblemList) else [problem]
    raise_all(problems)
    assert isinstance(recipe, Recipe)
    return _with_schedule(recipe)


def _with_schedule(recipe: Recipe) -> Recipe:
    """Put the rates of a schedule file in its place, so that the recipe says all by itself."""
    plan = recipe.optimizer
    if plan.schedule_file is None:
        return recipe
    rates = read_schedule(plan.schedule_file, plan.peak_rate, recipe.epochs)
    settled = replace(plan, schedule="epochs", rates=rates, schedule_file=None)
    return replace(recipe, optimizer=settled)


def _value_of(root: yaml.Node, key: str) -> yaml.ScalarNode | None:
    """The text of a key, if there is one."""
    pairs = root.value if isinstance(root, yaml.MappingNode) else ()
    values = (value for name, value in pairs if name.value == key)
    return next((value for value in values if isinstance(value, yaml.ScalarNode)), None)


def _contradictions(recipe: Recipe, source: str) -> Iterator[ToolError]:
    """Find what is wrong between keys that are each right."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", recipe.name):
        why = f"name: {recipe.name!r} cannot be a folder name"
        yield InputError(why, where=source, fix="use a-z, 0-9, _ and -")
    count = recipe.data.train_count
    if count is not None and count < recipe.batch_size:
        why = f"batch_size {recipe.batch_size} is more than train_count {count}"
        yield InputError(why, where=source, fix="make the batch smaller or render more images")
    if recipe.qat is not None and recipe.qat.start_epoch >= recipe.epochs:
        why = f"qat.start_epoch {recipe.qat.start_epoch} is never reached in {recipe.epochs} epochs"
        yield InputError(why, where=source, fix="start earlier, or leave `qat` out")
