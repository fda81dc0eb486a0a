"""`ai8x search`: networks of a family in, the best compromises out."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ai8x_models.commands.options import RESUME, shape_of
from ai8x_models.training.recipe_nodes import read_nodes
from max78000.command import FILE, INPUT_FILE, JSON, OVERWRITE, examples

if TYPE_CHECKING:
    from ai8x_models.training.search.plan import SearchPlan
    from ai8x_models.training.search.results import Results

_LEAST = click.IntRange(1)


def _bits(_context: click.Context, _option: click.Parameter, text: str) -> tuple[int, ...]:
    widths = tuple(dict.fromkeys(int(word) for word in text.split(",") if word.isdecimal()))
    if not widths or not set(widths) <= {1, 2, 4, 8}:
        raise click.BadParameter(f"{text!r} are no widths; write 8,4,2")
    return widths


@click.command(
    epilog=examples(
        "ai8x search pictures --data sklearn:digits --input 1x28x28 --epochs 9 --trials 30",
        "ai8x search net.py:Net --config recipe.yaml --trials 100 --workers 4",
        "ai8x search --study runs/search/journal.log --write-model 17 --out found",
    )
)
@click.argument("family", required=False)
@click.option("--data", help="As `data.source` of a recipe.")
@click.option("--input", "shape", metavar="CxHxW", callback=shape_of, help="Shape of the input.")
@click.option("--task", default="classification", show_default=True, help="What to learn.")
@click.option("--epochs", type=_LEAST, default=9, show_default=True, help="Of a trial.")
@click.option("--config", type=INPUT_FILE, help="Recipe of the trials; its model is not looked at.")
@click.option("--name", default="search", show_default=True, help="Of the search and its runs.")
@click.option(
    "--study", type=FILE, help="File of the search.  [default: runs/NAME-search/journal.log]"
)
@click.option("--trials", type=_LEAST, default=30, show_default=True, help="In all.")
@click.option("--workers", type=_LEAST, default=1, show_default=True, help="Processes.")
@click.option(
    "--bits", default="8,4", callback=_bits, show_default=True, help="Widths of inner weights."
)
@click.option("--max-cycles", type=_LEAST, help="Give up what takes more, before training.")
@click.option("--max-weight-bytes", type=_LEAST, help="Give up what takes more, before training.")
@click.option("--seed", default=1, show_default=True, help="Of the draw.")
@click.option("--write-model", "number", type=int, help="Write the network of this trial.")
@click.option("--out", type=FILE, help="For --write-model: folder to make.")
@RESUME
@OVERWRITE
@JSON
def search(
    *,
    family: str | None,
    study: Path | None,
    name: str,
    trials: int,
    workers: int,
    number: int | None,
    out: Path | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
    **words: Any,
) -> None:
    """Find networks that are right, quick and small.

    FAMILY is `pictures`, `signals`, `poses` (with a recipe of a pose network), or FILE.py:CLASS
    with a function `draw`. Each trial is a network of it: the compiler says what it takes of the
    chip, and what does not fit is not trained; the others are trained, and scored as integers.
    Beside the study's file come a table, a picture and the models. Without FAMILY, shows a search
    that is there.
    """
    _look_at(family, **words)
    from ai8x_models.training.search.found import write_found
    from ai8x_models.training.search.search import search as run
    from ai8x_models.training.search.stored import clear_search, stored_results, write_results

    journal = study or Path("runs") / f"{name}-search" / "journal.log"
    if (number is None) != (out is None):
        raise click.UsageError("--write-model and --out go together")
    if family is not None:
        plan = _plan(family, journal, name, words)
        if overwrite and not resume:
            clear_search(journal)
        results = run(plan, trials, sys.stderr, workers, resume)
        write_results(journal.parent, results)
    else:
        results = stored_results(journal)
    if number is not None and out is not None:
        write_found(results, journal, number, out)
        click.echo(f"{out}: cd {out}; ai8x train recipe.yaml", err=True)
    _show(results, as_json)


def _look_at(family: str | None, config: Path | None, data: object, **_others: Any) -> None:
    """Refuse what can be refused before PyTorch is loaded."""
    if family is not None and (config is None) == (data is None):
        raise click.UsageError("give --data, or a recipe with --config")
    if config is not None:
        read_nodes(config)


def _plan(family: str, journal: Path, name: str, words: dict[str, Any]) -> "SearchPlan":
    from ai8x_models.training.recipe_file import read_recipe
    from ai8x_models.training.recipe_options import RecipeWords
    from ai8x_models.training.search.family import FOUND
    from ai8x_models.training.search.plan import SearchPlan
    from ai8x_models.zoo.registry import find_model

    if words["config"] is not None:
        recipe = read_recipe(words["config"])
        task = recipe.task or find_model(recipe.model).task  # that of the model, which is replaced
        recipe = replace(recipe, name=name, task=task)
    else:
        model = f"{name}.py:{FOUND}"
        recipe = RecipeWords(
            model, words["data"], words["epochs"], task=words["task"], name=name
        ).recipe()
    if words["shape"] is not None:
        recipe = replace(recipe, data=replace(recipe.data, shape=words["shape"]))
    limits = {"cycles": words["max_cycles"], "weight_bytes": words["max_weight_bytes"]}
    return SearchPlan(
        family=family,
        recipe=recipe,
        journal=journal,
        bits=words["bits"],
        limits={key: limit for key, limit in limits.items() if limit is not None},
        seed=words["seed"],
    )


def _show(results: "Results", as_json: bool) -> None:
    click.echo(results.to_json() if as_json else results.to_text(), nl=not as_json)
