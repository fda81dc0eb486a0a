"""What `ai8x evaluate --json` says of a network: its scores, the first of them in common words.

`synthesize --evaluation` shows that one beside the cycles; it need not know the task.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from ai8x_models.layers.qat import Mode
from ai8x_models.training.task import find_task

INTERVAL = "_interval"  # behind a score's name: where its 95 % interval is


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was evaluated, and on what.

    Args:
        checkpoint: of the network.
        mode: in which numbers it computed.
        task: its name.
        split: of the data.
        n_examples: of it.
    """

    checkpoint: Path
    mode: Mode
    task: str
    split: str
    n_examples: int


def score_row(asked: Asked, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Add the score that ranks networks of a task, under the key `score`.

    Args:
        asked: who, and on what.
        scores: as the task gives them, by their keys.

    Returns:
        What `json.dumps` takes. In `score`, `value` is null where nothing was to score, and
        `interval` where the task gives none.
    """
    label, key = next(iter(find_task(asked.task).shown_scores.items()))
    value, interval = scores[key], scores.get(key + INTERVAL)
    score = {
        "checkpoint": str(asked.checkpoint),
        "mode": asked.mode.name.lower(),
        "task": asked.task,
        "name": label,
        "value": value if value is not None and isfinite(value) else None,
        "interval": interval if interval and None not in interval else None,
        "split": asked.split,
        "n_examples": asked.n_examples,
    }
    return {**scores, "score": score}
