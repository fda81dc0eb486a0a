"""Tables for a terminal."""

from collections.abc import Iterable, Sequence

from max78000.command.table import table_lines


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out columns: the first one to the left, numbers to the right."""
    first, *numbers = head
    return "\n".join(table_lines((first, *(f">{name}" for name in numbers)), tuple(rows)))
