"""Writes a project folder whole or not at all."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from max78000.errors import InputError
from max78000.files import renewed, unwritable

NEVER_OVERWRITTEN = ("project.mk",)
SETTINGS_OF_EDITOR = ".vscode/"  # nor these


def write_project(folder: Path, files: Mapping[str, str], *, overwrite: bool) -> None:
    """Write all files into a copy of the folder, which then takes its place in one step.

    Files that the user added to an overwritten folder, `project.mk` and settings of an editor are
    kept.

    Raises:
        InputError: the folder exists and `overwrite` is false, or it cannot be written.
    """
    if folder.exists() and not overwrite:
        raise InputError(
            "exists already",
            where=str(folder),
            fix="give --overwrite or another --prefix",
            rule="O6",
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(
            "is not a folder", where=str(folder), fix="give another --prefix", rule="O6"
        )
    missing = [one for one in folder.parents if not one.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with renewed(folder) as fresh:
            for name, text in files.items():
                target = fresh / name
                is_kept = name in NEVER_OVERWRITTEN or name.startswith(SETTINGS_OF_EDITOR)
                if not (is_kept and target.exists()):
                    target.parent.mkdir(exist_ok=True)
                    target.write_text(text, encoding="utf-8")
    except OSError as error:
        for made in missing:  # innermost first; one that somebody uses meanwhile stays
            with suppress(OSError):
                made.rmdir()
        raise unwritable(folder, error) from None
