"""A network that was found, as files of its own: a model and a recipe, for `ai8x train`."""

from dataclasses import replace
from pathlib import Path

from ai8x_models.describe.reference import split_reference
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.training.recipe_text import recipe_text
from ai8x_models.training.search.family import FOUND
from ai8x_models.training.search.plan import model_file, run_folder
from ai8x_models.training.search.results import Results, Row
from max78000.errors import InputError
from max78000.files import make_folder, write_all

MODEL, RECIPE = "model.py", "recipe.yaml"


def write_found(results: Results, journal: Path, number: int, folder: Path) -> None:
    """Write the network of a trial: model.py, recipe.yaml.

    `ai8x train recipe.yaml` in that folder trains it again, as it was trained.

    Args:
        results: of the search.
        journal: its file.
        number: of the trial.
        folder: to make.

    Raises:
        InputError: the folder is there, or there is no such trial, or it was given up.
    """
    row = results.row(number)
    if row is None or row.reason:
        why = f"trial {number} was given up: {row.reason}" if row else f"there is no trial {number}"
        raise InputError(why, where=str(journal), fix="choose one of the table")
    if folder.exists():
        raise InputError("is there already", where=str(folder), fix="choose another name")
    try:
        text = model_file(journal, number).read_text(encoding="utf-8")
        trained = (run_folder(journal, number) / RECIPE).read_text(encoding="utf-8")
    except OSError as error:
        fix = "keep the folders beside the journal"
        raise InputError(
            f"cannot be read: {error.strerror}", where=str(error.filename), fix=fix
        ) from error
    recipe = parse_recipe(trained, RECIPE)
    recipe = replace(
        recipe,
        folder=None,
        model=f"{MODEL}:{FOUND}",
        data=replace(recipe.data, source=_reachable(recipe.data.source)),
    )
    make_folder(folder)
    head = _head(row, results)
    contents = head + recipe_text(recipe)
    write_all({folder / MODEL: text.encode(), folder / RECIPE: contents.encode()})


def _head(row: Row, results: Results) -> str:
    low, high = row.interval or (None, None)
    range_words = "" if low is None else f" ({low:.4f} to {high:.4f} with 95 % confidence)"
    return (
        f"# Trial {row.number} of `ai8x search {results.family}`, as it was trained there:\n"
        f"# {results.score_name} {row.score:.4f}{range_words} of the integers on the validation\n"
        f"# examples, {row.figures['cycles']:,} cycles, {row.figures['weight_bytes']:,} bytes of"
        f" weights.\n# {row.drawn}\n"
    )


def _reachable(source: str) -> str:
    """A source of data as it is named from another folder."""
    reference = split_reference(source)
    if reference is not None:
        return f"{reference[0].resolve()}:{reference[1]}"
    return str(Path(source).resolve()) if Path(source).exists() else source
