"""What ends a command early: errors a user can meet, and Ctrl-C."""

from max78000.errors.interruption import INTERRUPTED
from max78000.errors.refusals import (
    BoardError,
    CapacityError,
    InputError,
    InternalError,
    ProblemList,
    ToldError,
    ToolError,
    UnsupportedError,
    raise_all,
)

__all__ = [
    "INTERRUPTED",
    "BoardError",
    "CapacityError",
    "InputError",
    "InternalError",
    "ProblemList",
    "ToldError",
    "ToolError",
    "UnsupportedError",
    "raise_all",
]
