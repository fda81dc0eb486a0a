"""The vendor's model files, constructed and described with another import: the page docs/models.md.

Run as a program it writes the page; `test_vendor_models.py` compares.
"""

import contextlib
import importlib.util
import inspect
import io
import sys
import types
from dataclasses import dataclass
from pathlib import Path

from ai8x_models.describe.describe import describe
from ai8x_models.layers import vendor_blocks, vendor_names
from max78000.errors import ProblemList, ToolError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from brought import beside  # noqa: E402 - found by the line above

PAGE = ROOT / "docs" / "models.md"
FOLDER = beside("vendor", "models")
HEAD = """\
# The vendor's models

Model files for the MAX78000 of the vendor's training repository (August 2024), with nothing changed
but the imports: `from ai8x_models.layers import vendor_names as ai8x`, and `vendor_blocks as
ai8x_blocks`. Channels and sizes are the classes' own defaults. This page is written by
`make models`, never by hand.

| file | model | input | constructed | described | [on the CPU](formats.md#finish), or why not |
|---|---|---|---|---|---|
"""
# Sizes where a class has no defaults, or others than its data have.
GIVEN = {
    "ai85tinierssd": {"num_classes": 2},
    "ai85tinierssdface": {"num_classes": 2},
    "ai85tinierssdqr": {"num_classes": 2},
}
SHAPES = {
    "ai85autoencoder": (256, 3),
    "ai85actiontcn": (15, 96, 60, 60),  # frames; its forward asks for a GPU
}


@dataclass(frozen=True)
class Row:
    file: str
    model: str
    shape: tuple
    constructed: bool
    described: bool
    words: str

    def to_text(self):
        sizes = "x".join(map(str, self.shape))
        yes = {True: "yes", False: "no"}
        words = self.words.replace("|", "\\|")
        return (
            f"| {self.file} | {self.model} | {sizes} | {yes[self.constructed]} | "
            f"{yes[self.described]} | {words} |"
        )


@contextlib.contextmanager
def imports_replaced():
    """The vendor's names for ours; what its files take from its own tools is empty."""
    empty = types.ModuleType("utils")
    empty.object_detection_utils = types.ModuleType("utils.object_detection_utils")
    ours = {
        "ai8x": vendor_names,
        "ai8x_blocks": vendor_blocks,
        "utils": empty,
        "utils.object_detection_utils": empty.object_detection_utils,
    }
    before = {name: sys.modules.get(name) for name in ours}
    sys.modules.update(ours)
    try:
        yield
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


def rows_of(path):
    """A row for every model of a file."""
    spec = importlib.util.spec_from_file_location("brought_model", path)
    module = importlib.util.module_from_spec(spec)
    with imports_replaced(), contextlib.redirect_stdout(io.StringIO()):
        try:
            spec.loader.exec_module(module)
        except ModuleNotFoundError as error:
            words = f"imports {error.name}, a part of the vendor's training that is not here"
            return [Row(path.name, "", (), False, False, words)]
        return [row_of(path, module, entry) for entry in module.models]


def row_of(path, module, entry):
    name = entry["name"]
    try:
        model = getattr(module, name)(pretrained=False, **GIVEN.get(name, {}))
    except ToolError as error:
        return Row(path.name, name, (), False, False, words_of(error))
    shape = SHAPES.get(name) or shape_of(type(model), entry["dim"])
    try:
        description = describe(model.eval(), shape)
    except ToolError as error:
        return Row(path.name, name, shape, True, False, words_of(error))
    steps = ", ".join(dict.fromkeys(entry.step.op for entry in description.finish))
    left = f"left to the application: {', '.join(description.left)}" if description.left else ""
    return Row(path.name, name, shape, True, True, "; ".join(filter(None, (steps, left))))


def shape_of(kind, n_dims):
    defaults = inspect.signature(kind).parameters
    channels, sizes = defaults["num_channels"].default, defaults["dimensions"].default
    return (channels, *sizes[:n_dims])


def words_of(error):
    problems = error.problems if isinstance(error, ProblemList) else (error,)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    rule = f" [{problems[0].rule}]" if problems[0].rule else ""
    return f"{problems[0].where}: {problems[0].why}{rule}{more}".removeprefix(": ")


def page():
    rows = [row for path in sorted(FOLDER.glob("*.py")) for row in rows_of(path)]
    return HEAD + "".join(f"{row.to_text()}\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
