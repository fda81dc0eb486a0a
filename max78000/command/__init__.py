"""What command lines share: verbs, options, the options of other tools, an ending."""

from max78000.command.ending import CUT_SHORT, run
from max78000.command.input_file import INPUT_FILE, find_named
from max78000.command.verbs import (
    FILE,
    HELP_OPTIONS,
    JSON,
    OVERWRITE,
    RealRange,
    Verb,
    VerbGroup,
    examples,
)

__all__ = [
    "CUT_SHORT",
    "FILE",
    "HELP_OPTIONS",
    "INPUT_FILE",
    "JSON",
    "OVERWRITE",
    "RealRange",
    "Verb",
    "VerbGroup",
    "examples",
    "find_named",
    "run",
]
