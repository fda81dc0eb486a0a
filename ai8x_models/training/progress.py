"""How a long step says how far it is."""

from collections.abc import Callable

Progress = Callable[[int, int], None]  # done, total


def no_progress(_done: int, _total: int) -> None:
    """Say nothing."""
