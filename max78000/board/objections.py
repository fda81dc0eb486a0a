"""What the board holds against the program: refused at once, or counted and told at the end.

Silicon is silent about a register that does not exist, a device whose clock is off or a byte that
goes nowhere. A strict board ends the run there; a tolerant one goes on as silicon would, and says
once how often it happened.
"""

from max78000.errors import BoardError


class Objections:
    """The one place where strict and tolerant part.

    Args:
        is_strict: raise instead of counting.
    """

    def __init__(self, *, is_strict: bool = True) -> None:
        self.is_strict = is_strict
        self._counts: dict[str, int] = {}

    def raise_or_count(self, error: BoardError) -> None:
        """Meet something that silicon would pass over in silence.

        Raises:
            BoardError: the board is strict.
        """
        if self.is_strict:
            raise error
        text = str(error)
        self._counts[text] = self._counts.get(text, 0) + 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each kind that was met, in the order of the first time."""
        return tuple(
            text if count == 1 else f"{text} [{count} times]"
            for text, count in self._counts.items()
        )
