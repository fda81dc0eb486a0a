"""How a command line ends: each `commands/main.py` has a `main` that calls `run`.

Nothing else of the toolchain prints errors or exits.
"""

import errno
import os
import sys
import traceback
from contextlib import suppress

import click

from max78000.errors import INTERRUPTED, InputError, InternalError, ToolError

CUT_SHORT = 141  # what shells report for a program whose reader has gone
# What the system says of an output that takes no more.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run(command: click.Command) -> None:
    """Run a click command with the arguments of the process, then exit.

    A refusal is one message on standard error; a defect of the toolchain keeps its traceback.
    """
    name = command.name
    try:
        status = command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(InputError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except SystemExit:  # how click ends when whoever read the output has seen enough
        sys.exit(CUT_SHORT)
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
            _drop_output()
            click.echo(f"{name}: the output cannot be written: {error.strerror}", err=True)
            sys.exit(InputError.exit_code)
        if isinstance(error, ToolError) and not isinstance(error, InternalError):
            click.echo(f"{name}: {error}", err=True)
            sys.exit(error.exit_code)
        traceback.print_exc()
        click.echo(f"{name}: {error}\nThis is a defect of {name}; please report it.", err=True)
        sys.exit(InternalError.exit_code)
    sys.exit(status if isinstance(status, int) else 0)


def _drop_output() -> None:
    """Let nothing more be said on standard output, not even by Python when it ends."""
    with suppress(OSError, ValueError):  # tests replace it by what has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
