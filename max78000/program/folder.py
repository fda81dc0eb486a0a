"""The register program in a project folder, read back."""

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
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fix = "name a folder that synthesize wrote, or its program.json"
        raise InputError(f"cannot be read: {error}", where=str(path), fix=fix) from None
    return from_json(text, str(path))
