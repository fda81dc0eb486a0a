"""What a project folder holds, read back: the register program, and text beside it."""

from pathlib import Path

from max78000.errors import InputError
from max78000.program.program import RegisterProgram, from_json

PROGRAM_FILE = "program.json"
REPORT_FILE = "report.json"


def read_program(directory: Path) -> RegisterProgram:
    """Read the program of a project folder, or a program file.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = directory / PROGRAM_FILE if directory.is_dir() else directory
    fix = "name a folder that synthesize wrote, or its program.json"
    return from_json(_text(path, fix), str(path))


def networks_of(directory: Path) -> tuple[str, ...]:
    """Names of the networks of a firmware of several; nothing for any other folder.

    Each has a folder of its own with what is not compiled.
    """
    if (directory / PROGRAM_FILE).exists():
        return ()
    found = (path.parent.name for path in directory.glob(f"*/{PROGRAM_FILE}"))
    return tuple(sorted(name for name in found if (directory / f"{name}_cnn.c").is_file()))


def require_alone(directory: Path) -> None:
    """Refuse a firmware of several networks, and the folder of one of them: for applications.

    Raises:
        InputError: it is one.
    """
    fix = "synthesize the network that is meant by itself"
    members = networks_of(directory)
    if members:
        raise _several(directory, members, fix)
    parent = directory.resolve().parent
    if directory.resolve().name in networks_of(parent):
        raise InputError(
            f"has no firmware of its own, it is one of {parent.name}'s networks",
            where=str(directory),
            fix=fix,
        )


def _several(directory: Path, members: tuple[str, ...], fix: str) -> InputError:
    why = f"holds several networks: {', '.join(members)}"
    return InputError(why, where=str(directory), fix=fix)


def text_beside_program(path: Path) -> str:
    """Read another file of a project folder; raises as `read_program`."""
    return _text(path, "synthesize the network again; older projects have no such file")


def _text(path: Path, fix: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        members = networks_of(path.parent)
        if members:
            fix = f"name the folder of one of them, such as {path.parent / members[0]}"
            raise _several(path.parent, members, fix) from None
        raise InputError(f"cannot be read: {error}", where=str(path), fix=fix) from None
