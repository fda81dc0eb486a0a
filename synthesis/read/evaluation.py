"""How good networks are, as `ai8x evaluate --json` printed it; for the report alone.

Every network in such a file names its task's first score under the key `score`, so that nothing of
tasks has to be known here. Other keys of the file are of no interest.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from max78000.errors import InputError, ToolError
from max78000.program.strict_json import JsonNode


@dataclass(frozen=True, slots=True)
class NetworkScore:
    """The first score of an evaluated network.

    Attributes:
        checkpoint: its file, as the evaluation was told.
        mode: float, qat or integer.
        task: what the network does.
        name: of the score, as its field writes it.
        value: None where there was nothing to score.
        interval: that holds the true value with 95 % confidence; None if nobody has worked it out.
        split: of the data.
        n_examples: that were asked about.
    """

    checkpoint: str
    mode: str
    task: str
    name: str
    value: float | None
    interval: tuple[float, float] | None
    split: str
    n_examples: int

    @property
    def figure(self) -> str:
        """The value; a dash for none."""
        return "-" if self.value is None else _figure(self.value)

    @property
    def between(self) -> str:
        """The interval in words; empty for none."""
        if self.interval is None:
            return ""
        low, high = map(_figure, self.interval)
        return f"{low} to {high} with 95 % confidence"

    @property
    def text(self) -> str:
        """All of it in a line."""
        between = f" ({self.between})" if self.between else ""
        data = f"of {self.n_examples:,} {self.split} examples"
        return f"{self.name} {self.figure}{between} {data}, {self.checkpoint} ({self.mode})"


def read_evaluation(path: Path, checkpoint: Path) -> tuple[NetworkScore, ...]:
    """Read the scores that belong to a checkpoint.

    Args:
        path: what `ai8x evaluate --json` printed.
        checkpoint: of the network to compile.
    Returns:
        The score of that checkpoint if it is among those evaluated; else the scores of all.
    Raises:
        InputError: the file cannot be read, is damaged, or something else.
    """
    fix = f"write it with `ai8x evaluate {checkpoint} --json > {path}`"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=fix) from None
    try:
        scores = tuple(_scores(json.loads(text, parse_constant=_no_number)))
    except (ValueError, RecursionError, ToolError) as error:
        raise InputError(f"no evaluation: {error}", where=str(path), fix=fix) from None
    own = tuple(one for one in scores if Path(one.checkpoint).resolve() == checkpoint.resolve())
    return own or scores


def _no_number(_word: str) -> None:
    """NaN and infinities, which JSON does not have, where nothing could be scored."""
    return


def _scores(rows: object) -> Iterator[NetworkScore]:
    """What has no `score` is a row beside the networks, such as the best that could be reached."""
    if not isinstance(rows, dict):
        raise InputError("an object of networks is expected")
    found = {name: row["score"] for name, row in rows.items() if "score" in _row(name, row)}
    if not found:
        raise InputError("no network in it has a `score`")
    for name, score in found.items():
        yield _score(JsonNode(score, f"{name}.score"))


def _row(name: str, row: object) -> dict[str, object]:
    if not isinstance(row, dict):
        raise InputError("the scores of a network are expected", where=name)
    return row


def _score(node: JsonNode) -> NetworkScore:
    n_examples = node.number("n_examples")
    if n_examples < 1:
        raise InputError(f"{n_examples} examples", where=node.path)
    return NetworkScore(
        checkpoint=_text(node, "checkpoint"),
        mode=_text(node, "mode"),
        task=_text(node, "task"),
        name=_text(node, "name"),
        value=_value(node, "value"),
        interval=_interval(node),
        split=_text(node, "split"),
        n_examples=n_examples,
    )


def _text(node: JsonNode, key: str) -> str:
    """Words that can be shown: no control codes, no halves of characters."""
    text = node.text(key)
    if not text.isprintable():
        raise InputError(f"{text!a:.40} cannot be shown", where=f"{node.path}.{key}")
    return text


def _value(node: JsonNode, key: str) -> float | None:
    value = node.at(key, float, int, type(None))
    if value is None:
        return None
    if abs(value) > 1e300 or not isfinite(value):
        raise InputError("is no score", where=f"{node.path}.{key}")
    return float(value)


def _interval(node: JsonNode) -> tuple[float, float] | None:
    """Two ends, the lower one first; both or the whole may be null."""
    found = node.at("interval", list, type(None)) or [None, None]
    if len(found) == 2:
        ends = JsonNode(dict(zip(("low", "high"), found, strict=True)), f"{node.path}.interval")
        low, high = _value(ends, "low"), _value(ends, "high")
        if low is None and high is None:
            return None
        if low is not None and high is not None and low <= high:
            return low, high
    raise InputError(f"{found!r:.40} is no interval", where=f"{node.path}.interval")


def _figure(value: float) -> str:
    """Four digits, also where they are zeros."""
    return f"{value:#.4g}"
