"""While PyTorch loads: a sign of life, and an ear for Ctrl-C.

It takes seconds, in which nothing else could be said. The sign is only for a terminal, on standard
error, and is gone before anything else is written. PyTorch's C++ drops Ctrl-C while it loads, so
that half of NumPy stays, or crashes by it: there, it ends the process at once.
"""

import importlib.util
import itertools
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TextIO

from max78000.command.ending import leave_interrupted
from max78000.errors.interruption import answered_by

SLOW = "torch"
PATIENCE_S = 0.3  # without a sign: a package that is in the cache of the disk may not need one
FRAME_S = 0.1
FRAMES = "|/-\\"
ERASE_LINE = "\r\033[K"  # ECMA-48, EL


def watch_loading(stream: TextIO) -> None:
    """Let Ctrl-C end PyTorch's loading, whenever that is; show it, if a person looks on."""
    if SLOW not in sys.modules:
        sys.meta_path.insert(0, _Watch(stream))


class _Watch(MetaPathFinder):
    """Finds what is slow where it is, and watches over its execution."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != SLOW:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            wheel = _wheel(self._stream) if self._stream.isatty() else nullcontext()
            with wheel, _leaving_at_ctrl_c(self._stream):
                execute(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


@contextmanager
def _leaving_at_ctrl_c(stream: TextIO) -> Iterator[None]:
    """Let Ctrl-C, unless somebody else sees to it, end the process without another step."""

    def leave(_number: int, _frame: object) -> None:
        if stream.isatty():
            os.write(stream.fileno(), ERASE_LINE.encode())
        leave_interrupted()

    with answered_by(leave):
        yield


@contextmanager
def _wheel(stream: TextIO) -> Iterator[None]:
    is_over = threading.Event()
    turning = threading.Thread(target=_turn, args=(stream, is_over), daemon=True)
    turning.start()
    try:
        yield
    finally:
        is_over.set()
        turning.join()


def _turn(stream: TextIO, is_over: threading.Event) -> None:
    if is_over.wait(PATIENCE_S):
        return
    for frame in itertools.cycle(FRAMES):
        stream.write(f"\rloading PyTorch {frame}")
        stream.flush()
        if is_over.wait(FRAME_S):
            break
    stream.write(ERASE_LINE)
    stream.flush()
