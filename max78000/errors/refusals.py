"""Errors a user can meet: what is wrong, where, and what to do about it.

Deep code raises one `ToolError`; readers and rule checks collect several and raise them together
with `raise_all`. Only `max78000.command.run` prints an error and turns `exit_code` into the exit
status.
"""

from collections.abc import Iterable


class ToolError(Exception):
    """A refusal: `str()` gives "where: why (fix)".

    Args:
        why: what is wrong, with numbers.
        where: place, for example `networks/kws.yaml:31 layers[4]`; empty if there is none.
        fix: what to try; empty if nothing helps.
        rule: id of the rule that refuses, as `synthesize --explain` takes it; empty if none.
    """

    exit_code = 1

    def __init__(self, why: str, *, where: str = "", fix: str = "", rule: str = "") -> None:
        self.why = why
        self.where = where
        self.fix = fix
        self.rule = rule
        super().__init__(why)

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        rule = f" [{self.rule}]" if self.rule else ""
        fix = f" ({self.fix})" if self.fix else ""
        return f"{where}{self.why}{rule}{fix}"


class InputError(ToolError):
    """A file or an argument is missing, malformed or contradicts another."""

    exit_code = 2


class CapacityError(ToolError):
    """The network needs more than the chip has; `why` gives needed, available and the unit."""

    exit_code = 3


class UnsupportedError(ToolError):
    """The chip, or this tool, cannot do what is asked."""

    exit_code = 4


class BoardError(ToolError):
    """Probe, serial line, flash or the board itself, real or simulated, does not do as expected."""

    exit_code = 5


class InternalError(ToolError):
    """A defect of this tool; the traceback is kept and a report is asked for."""

    exit_code = 70


class ProblemList(ToolError):
    """Several refusals at once, in the order found; the exit code is that of the first."""

    def __init__(self, problems: Iterable[ToolError]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))
        self.exit_code = self.problems[0].exit_code

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ToldError(ProblemList):
    """What is wrong, after the results have been told: nothing more goes to standard output."""


def raise_all(problems: Iterable[ToolError]) -> None:
    """Raise what was collected: nothing if empty, the error itself if it is the only one."""
    found = tuple(problems)
    if len(found) == 1:
        raise found[0]
    if found:
        raise ProblemList(found)
