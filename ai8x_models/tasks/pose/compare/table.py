"""The comparison as tables of text: what is in a column, and how it is written, once for all forms.

Markdown and the page (`report.py`) write the same cells.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ai8x_models.tasks.pose.compare.compared import Compared
from ai8x_models.tasks.pose.evaluate import interval_cell
from ai8x_models.training.intervals import Interval

NONE = "-"
Cell = Callable[[Compared], float | Interval | None]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers.

    Args:
        head: with the unit.
        cell: the number of a network, or where it lies; None or NaN where there is none.
        digits: behind the point.
    """

    head: str
    cell: Cell
    digits: int = 0

    def text(self, row: Compared) -> str:
        """A network's cell."""
        value = self.cell(row)
        if isinstance(value, tuple):
            return interval_cell(value)
        if value is None or math.isnan(value):
            return NONE
        return f"{value:,.{self.digits}f}"


@dataclass(frozen=True, slots=True)
class Table:
    """Columns that are read together."""

    title: str
    columns: Sequence[Column]


TABLES = (
    Table(
        "By themselves",
        (
            Column("parameters", lambda row: row.costs.parameters),
            Column("weight bytes", lambda row: row.costs.weight_bytes),
            Column("million MACs", lambda row: row.costs.macs / 1e6, 1),
            Column("traffic, bytes", lambda row: row.costs.traffic_bytes),
            Column("peak data, bytes", lambda row: row.costs.peak_bytes),
        ),
    ),
    Table(
        "On the chip",
        (
            Column("cycles", lambda row: row.costs.cycles),
            Column("ms", lambda row: row.costs.milliseconds, 2),
            Column("energy, uJ", lambda row: row.costs.energy_uj),
            Column("mW at 1/s", lambda row: row.costs.power_mw(1), 1),
            Column("mW at 10/s", lambda row: row.costs.power_mw(10), 1),
            Column("mW flat out", lambda row: row.costs.power_mw(row.costs.most_per_second), 1),
            Column("at most, 1/s", lambda row: row.costs.most_per_second or None, 1),
        ),
    ),
    Table(
        "Scores",
        (
            Column("AP", lambda row: row.metrics.ap, 3),
            Column("AP, 95 %", lambda row: row.metrics.ap_interval),
            Column("AP50", lambda row: row.metrics.ap50, 3),
            Column("AP75", lambda row: row.metrics.ap75, 3),
            Column("AR", lambda row: row.metrics.ar, 3),
            Column("shown from", lambda row: row.metrics.shown_score, 2),
            Column("F1", lambda row: row.metrics.f1, 3),
            Column("PCK@0.2", lambda row: row.metrics.pck, 3),
            Column("OKS in crops", lambda row: row.metrics.subject_oks, 3),
        ),
    ),
    Table(
        "Aspects",
        (
            Column("points answered", lambda row: row.aspects.detection, 3),
            Column("OKS of the found", lambda row: row.aspects.localization, 3),
            Column("AP50, several people", lambda row: row.aspects.several, 3),
            Column("PCK, hidden", lambda row: row.aspects.occlusion, 3),
            Column("PCK, seen", lambda row: row.aspects.visible, 3),
            Column("false people, empty", lambda row: row.metrics.false_people, 2),
            Column("the same, unshown too", lambda row: row.aspects.false_people, 2),
        ),
    ),
)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def cells(table: Table, rows: Sequence[Compared]) -> tuple[list[str], list[list[str]]]:
    """Heads and a line for each network, its name first; without columns that have no number."""
    texts = {column.head: [column.text(row) for row in rows] for column in table.columns}
    texts = {head: column for head, column in texts.items() if set(column) != {NONE}}
    names = [row.name for row in rows]
    return ["network", *texts], [list(line) for line in zip(names, *texts.values(), strict=True)]


def notes(rows: Sequence[Compared]) -> list[str]:
    """What a reader of the numbers must know."""
    found = []
    for row in rows:
        if row.costs.refusal:
            bits = row.costs.chip_bits
            instead = f" Its figures on the chip are those with {bits} bits in all layers." * bool(
                bits
            )
            found.append(f"{row.name} does not fit as it is: {row.costs.refusal}.{instead}")
    return [
        *found,
        "95 %: where AP lies on other pictures of the kind, found by drawing these anew.",
        "F1 and false people are of those shown; average precision, recall and PCK are of all.",
        "Energy and power are estimates within a factor of two; cycles are the compiler's.",
        "Bytes are those on the chip: 8 bits a number, weights as wide as the network has them.",
        "Traffic: all weights, and what goes into and comes out of every layer, of one answer.",
    ]
