"""How a command line ends: each `commands/main.py` has a `main` that calls `run`.

Nothing else of the toolchain prints errors or exits.
"""

import errno
import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NoReturn

import click

from max78000.command.missing_package import refusal_of
from max78000.errors import INTERRUPTED, InputError, InternalError, ToldError, ToolError

CUT_SHORT = 141  # what shells report for a program whose reader has gone
# What the system says of an output that takes no more.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
# What the system says already of the question whether there is such a file.
_NO_NAMES: Mapping[int | None, str] = MappingProxyType(
    {
        errno.ENAMETOOLONG: "give a shorter name",
        errno.EACCES: "allow reading there, or name another place",
    }
)
_MOST_SHOWN = 60  # letters of a name


def run(command: click.Command) -> None:
    """Run a click command with the arguments of the process, then exit.

    A refusal is one message on standard error; a defect of the toolchain keeps its traceback. Who
    asked for JSON has the same as an object on standard output.
    """
    name = command.name or ""
    try:
        status = command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption):
            error = _suggesting_what_help_shows(error)
        _tell_scripts(name, error)
        error.show()
        sys.exit(InputError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except SystemExit as end:  # click's, when it completed for a shell, or its reader has gone
        sys.exit(CUT_SHORT if end.code else 0)
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
            _drop_output()
            click.echo(f"{name}: the output cannot be written: {error.strerror}", err=True)
            sys.exit(InputError.exit_code)
        problem = refusal_of(error) or _refusal_of_name(error) or error
        _tell_scripts(name, problem)
        if isinstance(problem, ToolError) and not isinstance(problem, InternalError):
            click.echo(f"{name}: {problem}", err=True)
            sys.exit(problem.exit_code)
        traceback.print_exc()
        click.echo(f"{name}: {error}\nThis is a defect of {name}; please report it.", err=True)
        sys.exit(InternalError.exit_code)
    sys.exit(status if isinstance(status, int) else 0)


def _refusal_of_name(error: Exception) -> InputError | None:
    """What to tell who has named a place that the system does not look at; None for other errors.

    Whatever is done first with such a name fails, so that it is told here and not at each.
    """
    if not isinstance(error, OSError) or error.errno not in _NO_NAMES or error.filename is None:
        return None
    name = os.fsdecode(error.filename)
    where = name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}..."
    why = f"cannot be looked for: {error.strerror}"
    return InputError(why, where=where, fix=_NO_NAMES[error.errno])


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
