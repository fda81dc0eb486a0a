"""What a project folder holds, read back: the register program, and text beside it."""

from pathlib import Path

from max78000.errors import InputError
from max78000.program.program import RegisterProgram, from_json

PROGRAM_FILE = "program.json"


def read_program(directory: Path) -> RegisterProgram:
    """Read the program of a project folder, or a program file.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = directory / PROGRAM_FILE if directory.is_dir() else directory
    fix = "name a folder that synthesize wrote, or its program.json"
    return from_json(_text(path, fix), str(path))


def text_beside_program(path: Path) -> str:
    """Read another file of a project folder; raises as `read_program`."""
    return _text(path, "synthesize the network again; older projects have no such file")


def _text(path: Path, fix: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=fix) from None
