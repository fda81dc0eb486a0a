"""How the command lines of the toolchain end: one message and one exit status for every error.

Each `cli.py` has a `main` that calls `run`. Nothing else of the toolchain prints errors or exits.
"""

import sys
import traceback

import click

from max78000.errors import InputError, InternalError, ToolError

INTERRUPTED = 130  # what shells report for Ctrl-C


def examples(*lines: str) -> str:
    """Lay out an epilog that click does not rewrap."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


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
    except BrokenPipeError:  # whoever read the output has seen enough
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        if isinstance(error, ToolError) and not isinstance(error, InternalError):
            click.echo(f"{name}: {error}", err=True)
            sys.exit(error.exit_code)
        traceback.print_exc()
        click.echo(f"{name}: {error}\nThis is a defect of {name}; please report it.", err=True)
        sys.exit(InternalError.exit_code)
    sys.exit(status if isinstance(status, int) else 0)
