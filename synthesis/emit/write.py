"""Writes a project folder whole or not at all."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from max78000.errors import InputError
from max78000.files import renewed, unwritable
from max78000.program.folder import PROGRAM_FILE, networks_of

NEVER_OVERWRITTEN = ("project.mk",)
SETTINGS_OF_EDITOR = ".vscode/"  # nor these


def write_project(folder: Path, files: Mapping[str, str], *, overwrite: bool) -> None:
    """Write all files into a copy of the folder, which then takes its place in one step.

    Files that the user added to an overwritten folder, `project.mk` and settings of an editor are
    kept.

    Raises:
        InputError: the folder exists and `overwrite` is false, it holds networks that are not among
            the files, or it cannot be written.
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
    _refuse_leftovers(folder, files)
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


def _refuse_leftovers(folder: Path, files: Mapping[str, str]) -> None:
    """C files of networks that are not written again would stay, and be compiled with the others.

    Raises:
        InputError: the folder holds such networks.
    """
    members = {Path(name).parent.name for name in files if Path(name).name == PROGRAM_FILE}
    left = [name for name in networks_of(folder) if name not in members]
    if left:
        why = f"holds other networks, whose files would stay: {', '.join(left)}"
    elif PROGRAM_FILE not in files and (folder / PROGRAM_FILE).is_file():
        why = "holds a project of one network, whose files would stay"
    else:
        return
    fix = "remove it, or give another --prefix"
    raise InputError(why, where=str(folder), fix=fix, rule="O6")
