"""Writes a project folder whole or not at all."""

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from max78000.errors import InputError
from max78000.files import unwritable

NEVER_OVERWRITTEN = ("project.mk",)
SETTINGS_OF_EDITOR = ".vscode/"  # nor these


def write_project(folder: Path, files: Mapping[str, str], *, overwrite: bool) -> None:
    """Write all files into a temporary folder beside the final one, then swap them.

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
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as parent:
            _write_and_swap(folder, files, Path(parent))
    except OSError as error:
        for made in missing:  # innermost first; one that somebody uses meanwhile stays
            with suppress(OSError):
                made.rmdir()
        raise unwritable(folder, error) from None


def _write_and_swap(folder: Path, files: Mapping[str, str], parent: Path) -> None:
    fresh = parent / "fresh"
    if folder.exists():
        shutil.copytree(folder, fresh, symlinks=True)
    fresh.mkdir(exist_ok=True)
    for name, text in files.items():
        target = fresh / name
        is_kept = name in NEVER_OVERWRITTEN or name.startswith(SETTINGS_OF_EDITOR)
        if not (is_kept and target.exists()):
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
    old = parent / "old"
    if folder.exists():
        folder.replace(old)
    try:
        fresh.replace(folder)
    except OSError:
        if old.exists():
            old.replace(folder)
        raise
