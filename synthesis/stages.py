"""Compiler stages as text, by name: what `--show` prints and golden tests compare."""

from max78000.chip import Chip
from max78000.program import to_text
from synthesis.compile import Compiled
from synthesis.text import graph_text, placed_yaml

STAGES = ("graph", "placed", "program")


def stage_text(stage: str, compiled: Compiled, chip: Chip) -> str:
    """One stage of a compiled network."""
    if stage == "graph":
        return graph_text(compiled.graph)
    if stage == "placed":
        return placed_yaml(compiled.placement.graph)
    return to_text(compiled.program, chip)
