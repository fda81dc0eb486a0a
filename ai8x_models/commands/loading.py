"""A sign of life while PyTorch loads: seconds, in which nothing else could be said.

Only on a terminal, on standard error; the line is gone before anything else is written.
"""

import importlib.util
import itertools
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TextIO

SLOW = "torch"
PATIENCE_S = 0.3  # without a sign: a package that is in the cache of the disk may not need one
FRAME_S = 0.1
FRAMES = "|/-\\"
ERASE_LINE = "\r\033[K"  # ECMA-48, EL


def show_loading(stream: TextIO) -> None:
    """Show that PyTorch loads, whenever it is imported, if a person looks on."""
    if stream.isatty() and SLOW not in sys.modules:
        sys.meta_path.insert(0, _Sign(stream))


class _Sign(MetaPathFinder):
    """Finds what is slow where it is, and turns a wheel around its execution."""

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
            with _wheel(self._stream):
                execute(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


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
