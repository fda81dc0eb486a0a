"""How a command line ends: each `commands/main.py` has a `main` that calls `run`.

Nothing else of the toolchain prints errors or exits.
"""

import errno
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from max78000.command.missing_package import refusal_of
from max78000.errors import INTERRUPTED, InputError, InternalError, ToldError, ToolError

CUT_SHORT = 141  # what shells report for a program whose reader has gone
_STREAMS = (
    ("stdin", "r", os.O_RDONLY),
    ("stdout", "w", os.O_RDONLY),
    ("stderr", "w", os.O_WRONLY),
)
# What the system says of an output that takes no more, or was closed before the command began.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
# What it says of a file or folder, whatever was to be done there, that is no defect of a command.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What it raises, or one of ours in its place, or click, if names lead nowhere.
_OF_PLACES = (OSError, ToolError, click.ClickException)
_MOST_SHOWN = 60  # letters of a name that no file can have


def run(command: click.Command) -> None:
    """Run a click command with the arguments of the process, then exit.

    A refusal is one message on standard error; a defect of the toolchain keeps its traceback. Who
    asked for JSON has the same as an object on standard output.
    """
    name = command.name or ""
    _hold_closed_streams()
    try:
        status = command.main(prog_name=name, standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except SystemExit as end:  # click's, when it completed for a shell, or its reader has gone
        sys.exit(CUT_SHORT if end.code else 0)
    except Exception as error:
        _tell(name, error)
    sys.exit(status if isinstance(status, int) else 0)


def leave_interrupted() -> NoReturn:
    """End the process at once, as Ctrl-C asks, where nothing can be raised and nothing is open."""
    os._exit(INTERRUPTED)


def _hold_closed_streams() -> None:
    """Let no file get the number of a stream that was closed when the command began.

    What the command then says on standard output is refused, as by a disk that is full.
    """
    for name, mode, flags in _STREAMS:
        if getattr(sys, name) is None:
            number = os.open(os.devnull, flags)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _tell(name: str, error: Exception) -> NoReturn:
    """Say what ended a command, and exit."""
    problem = _reason_of(error)
    if isinstance(problem, OSError) and problem.filename is None and problem.errno in _FULL:
        _drop_output()
        click.echo(f"{name}: the output cannot be written: {problem.strerror}", err=True)
        sys.exit(InputError.exit_code)
    _tell_scripts(name, problem)
    if isinstance(problem, click.ClickException):
        problem.show()
        sys.exit(InputError.exit_code)
    if isinstance(problem, ToolError) and not isinstance(problem, InternalError):
        click.echo(f"{name}: {problem}", err=True)
        sys.exit(problem.exit_code)
    traceback.print_exception(error)
    click.echo(f"{name}: {error}\nThis is a defect of {name}; please report it.", err=True)
    sys.exit(InternalError.exit_code)


def _reason_of(error: Exception) -> Exception:
    """The refusal that an error stands for; the error itself if it stands for none."""
    if isinstance(error, click.NoSuchOption):
        return _suggesting_what_help_shows(error)
    if isinstance(error, _OF_PLACES) and not isinstance(error, InternalError) and _is_nowhere():
        fix = "cd to a folder that is there"
        return InputError("the current folder has been removed", fix=fix)
    if isinstance(error, OSError) and error.filename is not None:
        return _refusal_of_place(error, os.fsdecode(error.filename)) or error
    return refusal_of(error) or error


def _refusal_of_place(error: OSError, name: str) -> InputError | None:
    """What to tell who has named a place that the system refuses; None for any other error.

    Whatever is done first with such a name fails, so that it is told here and not at each.
    """
    why = f"{error.strerror}"
    if error.errno == errno.ENAMETOOLONG:
        return InputError(why, where=f"{name[:_MOST_SHOWN]}...", fix="give a shorter name")
    if error.errno in _REFUSED:
        return InputError(why, where=name, fix="allow it, make room, or name another place")
    return None


def _is_nowhere() -> bool:
    """Whether names that begin with no / lead nowhere any more."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def leave() -> NoReturn:
    """End a process that has done what it had to, without ending the interpreter first.

    Threads that other libraries leave behind can abort it then, after all has gone well.
    PyTorch's do: https://github.com/pytorch/pytorch/pull/179291
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _tell_scripts(name: str, error: Exception) -> None:
    """Print a refusal as JSON, if the command line asks for JSON and none has been printed."""
    if isinstance(error, ToldError):
        return
    from max78000.command.errors_as_json import (  # noqa: PLC0415 - few commands refuse
        is_asked_for,
        to_json,
    )

    if not is_asked_for(sys.argv[1:], error):
        return
    try:
        click.echo(to_json(name, error))
    except OSError:  # nobody reads, or nothing can be written: the exit status tells
        _drop_output()


def _suggesting_what_help_shows(error: click.NoSuchOption) -> click.NoSuchOption:
    """The same refusal, without hidden options among what click suggests."""
    parameters = error.ctx.command.params if error.ctx else ()
    hidden = {
        name
        for one in parameters
        if isinstance(one, click.Option) and one.hidden
        for name in (*one.opts, *one.secondary_opts)
    }
    shown = [name for name in error.possibilities or () if name not in hidden]
    return click.NoSuchOption(error.option_name, possibilities=shown, ctx=error.ctx)


def _drop_output() -> None:
    """Let nothing more be said on standard output, not even by Python when it ends."""
    with suppress(OSError, ValueError):  # tests replace it by what has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
