"""Which of the people found are shown: those whose score reaches what the network's makers say.

Training finds that score, the checkpoint keeps it, and the compiler writes it to the project's
`network.json`. The board sends everybody it finds; the choice is the host's.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from max78000.apps.pose.person import Person
from max78000.errors import InputError
from max78000.program.network_file import NETWORK_FILE, read_network_file

SHOWN_SCORE = "shown_score"  # its name in checkpoints and in network.json
EVERYBODY = 0.0  # all scores are more


def shown(people: Iterable[Person], least: float) -> list[Person]:
    """The people whose score is `least` or more, in their order."""
    return [person for person in people if person.score >= least]


def project_shown_score(directory: Path) -> float:
    """The score from which the people of a project's network are shown; `EVERYBODY` if none is set.

    Raises:
        InputError: the project says nothing of its network, or no score.
    """
    said = read_network_file(directory).trained.get(SHOWN_SCORE, EVERYBODY)
    return checked_shown_score(said, str(directory / NETWORK_FILE))


def checked_shown_score(value: Any, where: str) -> float:
    """The value as a score.

    Raises:
        InputError: it is not a finite number from 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        why = f"{SHOWN_SCORE} is {value!r:.40}, not a score"
        raise InputError(why, where=where, fix="write it anew: ai8x evaluate --keep-score")
    return float(value)
