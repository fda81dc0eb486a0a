"""A doctor's findings: what stands between this computer and a running board, and how to mend it.

The value and how it reads. The checks of the computer are in `doctor_host.py`, those of adapter and
board in `doctor_board.py`; each is a function that looks at one thing and returns one finding, and
none of them changes anything.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from max78000.errors import BoardError
from max78000.link.flash_errors import explain

# Lines that report no trouble: of OpenOCD, and of pyOCD (milliseconds, letter, text).
CHATTER = re.compile(r"\s*(Info|Debug|User) ?:|\d{7} [ID] ")


class Status(Enum):
    """How serious a finding is."""

    OK = "ok"
    WARN = "warn"  # works, or is not needed by everybody
    FAIL = "FAIL"  # something will not work
    UNKNOWN = "?"  # could not be looked at


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what, in one or two words.
        what: how it is, with versions and numbers.
        remedy: what to do about it; lines ready to copy; empty if there is nothing to do.
    """

    name: str
    status: Status
    what: str
    remedy: str = ""


def to_lines(findings: Iterable[Finding]) -> list[str]:
    """The findings for people: one line each, remedies below."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.status.value:5} {finding.name:17} {finding.what}")
        lines += [f"      -> {line}" for line in finding.remedy.splitlines()]
    return lines


def to_data(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings as values for JSON; a status is one of ok, warn, fail, unknown."""
    return [{**asdict(finding), "status": finding.status.name.lower()} for finding in findings]


def refuse_failures(findings: Iterable[Finding]) -> None:
    """Say what does not work, in one sentence.

    Raises:
        BoardError: a finding failed; the first one leads.
    """
    failed = [finding for finding in findings if finding.status is Status.FAIL]
    if not failed:
        return
    others = f"; {len(failed) - 1} more above" if len(failed) > 1 else ""
    first_line = failed[0].remedy.partition("\n")[0]
    raise BoardError(f"{failed[0].what}{others}", where=failed[0].name, fix=first_line)


def explain_log(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What the messages of OpenOCD or pyOCD mean: the first line of each known trouble."""
    told = set()
    for line in lines:
        meaning = None if CHATTER.match(line) else explain(line)
        if meaning is not None and meaning not in told:
            told.add(meaning)
            yield line.strip(), meaning
