"""A refusal as JSON, for scripts that asked for JSON: one object, by `errors.schema.json`.

Imported only when something is refused, so that commands start without it.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from max78000.errors import InputError, InternalError, ProblemList, ToolError

FORMAT = "max78000-errors-1"
OPTION = "--json"


def is_asked_for(words: Sequence[str], error: Exception) -> bool:
    """Whether a command line wants JSON; not that of a command that has no such option."""
    options = words[: words.index("--")] if "--" in words else words
    is_unknown = isinstance(error, click.NoSuchOption) and error.option_name == OPTION
    return OPTION in options and not is_unknown


def to_json(command: str, error: Exception) -> str:
    """Everything that is wrong, in the order found, and the exit status of the command.

    Args:
        command: whose arguments or work it is about.
        error: what ended it; of which any but a refusal is a defect.
    """
    problems = list(_problems(error))
    status = problems[0]["exit_status"]
    data = {"format": FORMAT, "command": command, "exit_status": status, "errors": problems}
    return json.dumps(data, indent=1)


def _problems(error: Exception) -> Iterator[dict[str, Any]]:
    if isinstance(error, ProblemList):
        for problem in error.problems:
            yield from _problems(problem)
    elif isinstance(error, ToolError):
        yield _entry(error.why, error.exit_code, where=error.where, fix=error.fix, rule=error.rule)
    elif isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        fix = f"{context.command_path} --help" if context else ""
        yield _entry(error.format_message(), InputError.exit_code, fix=fix)
    else:
        what = f"{type(error).__name__}: {error}"
        yield _entry(what, InternalError.exit_code, fix="this is a defect; please report it")


def _entry(
    what: str, exit_status: int, *, where: str = "", fix: str = "", rule: str = ""
) -> dict[str, Any]:
    return {"where": where, "what": what, "fix": fix, "rule": rule, "exit_status": exit_status}
