"""Where a user's file makes its modules: the line that messages name when library code runs them.

In `nn.Sequential` no line of the user's runs a layer; the line that made it is what there is.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from torch import nn

_ATTRIBUTE = "_declared_at"


@contextmanager
def lines_noted(path: Path) -> Iterator[None]:
    """Note for each module that is made inside the block the innermost line of a file."""
    original, files = nn.Module.__init__, (path.absolute(), path.resolve())

    def noting(module: nn.Module, *args: Any, **named: Any) -> None:
        original(module, *args, **named)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and Path(frame.f_code.co_filename) not in files:
            frame = frame.f_back
        if frame is not None:
            object.__setattr__(module, _ATTRIBUTE, f"{path.name}:{frame.f_lineno}")

    nn.Module.__init__ = noting  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def declared_at(module: nn.Module) -> str:
    """`net.py:12`; empty if nobody noted it."""
    return str(getattr(module, _ATTRIBUTE, ""))
