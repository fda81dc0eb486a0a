"""Files of a search: what is beside its journal."""

from pathlib import Path

import optuna

from ai8x_models.training.search.journal import open_study, presence
from ai8x_models.training.search.picture import draw_front
from ai8x_models.training.search.results import Results
from max78000.files import write_all


def stored_results(journal: Path) -> Results:
    """Read the trials of a search, which may still be running.

    Raises:
        InputError: there is none.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return Results.of(open_study(journal))


def write_results(folder: Path, results: Results) -> tuple[Path, ...]:
    """Write `results.csv`, `results.json` and `front.svg`."""
    files = {
        folder / "results.csv": results.to_csv().encode(),
        folder / "results.json": results.to_json().encode(),
    }
    write_all(files)
    picture = folder / "front.svg"
    draw_front(picture, results)
    return *files, picture


def clear_search(journal: Path) -> None:
    """Throw a search away, so that another can begin in its place.

    Raises:
        InputError: a process is at work on it.
    """
    with presence(journal, alone=True):
        journal.unlink(missing_ok=True)
