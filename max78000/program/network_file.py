"""`network.json`: what a network takes and answers, as its checkpoint and description say.

The compiler writes it beside `program.json`, so that an application can prepare pictures, sounds
and arrays as training did and say what the integers mean, without the trainer. `trained` is what
`ai8x train` keeps with the weights; a checkpoint from elsewhere has none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from max78000.errors import InputError, ToolError
from max78000.program.folder import text_beside_program
from max78000.program.strict_json import JsonNode

FORMAT = "max78000-network-1"
NETWORK_FILE = "network.json"
# What a checkpoint keeps beside its weights that says what inputs and answers mean. Where its data
# lay is no matter of the network.
TRAINED_KEYS = (
    *("task", "input", "classes", "mask", "priors", "nms", "target", "points", "size"),
    "shown_score",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FinishResult:
    """An answer that `cnn_finish` computes, as its structure holds it: words of four bytes."""

    name: str
    is_index: bool  # int32, else float
    shape: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Room that it takes."""
        return 4 * prod(self.shape)


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the file holds.

    Attributes:
        name: of the network.
        trained: entries of the checkpoint, by `TRAINED_KEYS`; empty if it has none.
        finish: results of the steps behind the accelerator, in the order of the C structure.
    """

    name: str
    trained: Mapping[str, Any]
    finish: tuple[FinishResult, ...] = ()

    @property
    def task(self) -> str:
        """What it was trained for; empty where nobody says."""
        return str(self.trained.get("task", ""))

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names; empty where there are none."""
        return tuple(map(str, self.trained.get("classes", ())))


def to_json(facts: NetworkFacts) -> str:
    """Write the file: same facts, same bytes."""
    finish = [
        {"name": one.name, "is_index": one.is_index, "shape": list(one.shape)}
        for one in facts.finish
    ]
    data = {"format": FORMAT, "name": facts.name, "trained": facts.trained, "finish": finish}
    return json.dumps(data, indent=1) + "\n"


def from_json(text: str, source: str = "") -> NetworkFacts:
    """Read what `to_json` wrote; `source` names the file in messages.

    Raises:
        InputError: not JSON, or a key is missing or impossible.
    """
    try:
        root = JsonNode(json.loads(text))
        if root.text("format") != FORMAT:
            raise InputError(f"format is {root.text('format')!r}, not {FORMAT!r}")
        results = tuple(
            FinishResult(node.text("name"), node.flag("is_index"), node.numbers("shape"))
            for node in root.nodes("finish")
        )
        return NetworkFacts(root.text("name"), root.at("trained", dict), results)
    except (ValueError, RecursionError, ToolError) as error:
        raise InputError(f"does not describe a network: {error}", where=source) from None


def read_network_file(directory: Path) -> NetworkFacts:
    """Read the file of a project folder.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = directory / NETWORK_FILE
    return from_json(text_beside_program(path), str(path))
