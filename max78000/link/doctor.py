"""A doctor's diagnoses: what stands between this computer and a running board, and how to mend it.

The value and how it reads. The checks of the computer are in `doctor_host.py`, those of adapter and
board in `doctor_board.py`; each is a function that looks at one thing and returns one diagnosis,
and none of them changes anything.
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
    """How serious a diagnosis is."""

    OK = "ok"
    WARN = "warn"  # works, or is not needed by everybody
    FAIL = "FAIL"  # something will not work
    UNKNOWN = "?"  # could not be looked at


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a look at one thing found; not a `Finding` of the compiler, which breaks a rule.

    Attributes:
        name: what, in one or two words.
        what: how it is, with versions and numbers.
        remedy: what to do about it; lines ready to copy; empty if there is nothing to do.
    """

    name: str
    status: Status
    what: str
    remedy: str = ""


def to_lines(diagnoses: Iterable[Diagnosis]) -> list[str]:
    """The diagnoses for people: one line each, remedies below."""
    lines = []
    for diagnosis in diagnoses:
        lines.append(f"{diagnosis.status.value:5} {diagnosis.name:17} {diagnosis.what}")
        lines += [f"      -> {line}" for line in diagnosis.remedy.splitlines()]
    return lines


def to_data(diagnoses: Iterable[Diagnosis]) -> list[dict[str, Any]]:
    """The diagnoses as values for JSON; a status is one of ok, warn, fail, unknown."""
    return [
        {**asdict(diagnosis), "status": diagnosis.status.name.lower()} for diagnosis in diagnoses
    ]


def refuse_failures(diagnoses: Iterable[Diagnosis]) -> None:
    """Say what does not work, in one sentence.

    Raises:
        BoardError: a diagnosis failed; the first one leads.
    """
    failed = [diagnosis for diagnosis in diagnoses if diagnosis.status is Status.FAIL]
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
