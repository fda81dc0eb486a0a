"""The comparison on disk: Markdown, a page, JSON, all named `compare`, and three pictures.

The page needs nothing beside it; the Markdown shows the pictures that lie there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from ai8x_models.tasks.pose.compare.compared import Compared
from ai8x_models.tasks.pose.compare.expectations import LARGE, SMALL, expectation_rows
from ai8x_models.tasks.pose.compare.picture import PICTURES, draw
from ai8x_models.tasks.pose.compare.table import TABLES, cells, markdown_table, notes
from ai8x_models.tasks.pose.evaluate import Metrics
from max78000.files import make_folder, write_whole

NAME = "compare"
_EXPECTED = ("number", "expected", "measured")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Networks side by side.

    Args:
        rows: a network each.
        ceiling: what perfect maps would score on the same pictures.
        data: which pictures those are, in words.
    """

    rows: Sequence[Compared]
    ceiling: Metrics
    data: str

    @property
    def summary(self) -> str:
        """What a reader should know first."""
        ceiling = f"AP {self.ceiling.ap:.3f}" if self.ceiling.people_true else "nobody to find"
        return f"{self.ceiling.n_images} pictures, {self.data}; perfect maps: {ceiling}"

    @property
    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Title, heads and lines of each table."""
        found = [(table.title, *cells(table, self.rows)) for table in TABLES]
        expected = expectation_rows(self.rows)
        if expected:
            found.append((f"From {LARGE} to {SMALL}", list(_EXPECTED), expected))
        return found

    def to_markdown(self) -> str:
        """All of it as text; the pictures by their names."""
        parts = [f"# Pose networks side by side\n\n{self.summary}."]
        parts += [
            f"## {title}\n\n{markdown_table(heads, lines)}" for title, heads, lines in self.tables
        ]
        parts += [f"![{one.title}]({one.file})" for one in PICTURES]
        parts.append("\n".join(f"- {note}" for note in notes(self.rows)))
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """A page, whole in itself."""
        loader = jinja2.FileSystemLoader(Path(__file__).parent)
        rooms = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
        pictures = [draw(one, self.rows) for one in PICTURES]
        page = rooms.get_template("page.html.j2")
        return page.render(
            summary=self.summary, tables=self.tables, pictures=pictures, notes=notes(self.rows)
        )

    def to_json(self) -> str:
        """All numbers."""
        networks = [row.to_json() for row in self.rows]
        data = {"data": self.data, "ceiling": self.ceiling.to_json(), "networks": networks}
        return json.dumps(data, indent=2) + "\n"

    def write(self, folder: Path) -> list[Path]:
        """Write all files; returns where they are."""
        make_folder(folder)
        texts = {
            f"{NAME}.md": self.to_markdown(),
            f"{NAME}.html": self.to_html(),
            f"{NAME}.json": self.to_json(),
            **{one.file: draw(one, self.rows) for one in PICTURES},
        }
        for name, text in texts.items():
            write_whole(folder / name, text.encode())
        return [folder / name for name in texts]
