"""The SDK's example programs on our package and on the SDK itself: the page docs/sdk-examples.md.

Run as a program it writes the page; `test_example_table.py` compares. Nothing is changed in the
examples but the place: each is copied with its neighbours, as makefiles name files there.
"""

import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from max78000.board.board import Limits, VirtualBoard
from max78000.errors import BoardError, ToolError, UnsupportedError
from max78000.firmware.build import build_project
from max78000.firmware.pair import build_pair
from max78000.firmware.sources import has_riscv
from max78000.firmware.toolchain import find_toolchain

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from brought import beside  # noqa: E402 - found by the line above

PAGE = ROOT / "docs" / "sdk-examples.md"
ARCHIVED, RECENT = beside("sdk", "2022"), beside("sdk", "2025", "MAX")
EXAMPLES = ARCHIVED / "Examples" / "MAX78000"
WAYS = {"package": (), "2022": (ARCHIVED,), "2025": (RECENT, ARCHIVED)}
LIMITS = Limits(virtual_s=5, n_slices=1_000, is_end_at_time=True)
HEAD = """\
# The SDK's examples

Example programs of the vendor's SDK (2022), as they are: built with our board support package, with
the SDK of 2022 and with its drivers of 2025, by `arm-none-eabi-gcc` for EvKit_V1, and run on the
virtual board with nothing connected. PASS is what the program itself says after comparing with its
known answer; others say why the run was over, after at most five seconds of the board's time and 10
million instructions. This page is written by `make sdk-examples`, never by hand.

Peripheral examples come with a makefile alone in the snapshot at hand: only the networks are here.

| example | our package | on the board | SDK 2022 | on the board | SDK 2025 | on the board |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One example, built in three ways."""

    name: str
    cells: tuple[str, ...]

    @property
    def text(self):
        """The line of the table."""
        return f"| {' | '.join((self.name, *self.cells))} |"


def example_folders():
    """Folders of examples that have C files of their own."""
    found = sorted(path.parent for path in EXAMPLES.rglob("Makefile"))
    return [folder for folder in found if any(folder.glob("*.c"))]


def row_of(folder, scratch, ways=tuple(WAYS)):
    """Build and run an example; what other ways would give stays empty.

    Args:
        folder: of the SDK.
        scratch: where it is copied to; objects of the SDK are kept there from one to the next.
        ways: names in `WAYS`.
    """
    toolchain = find_toolchain("gcc")
    place = scratch / folder.parent.name / folder.name
    for neighbour in (folder, folder.parent / "Common"):
        if neighbour.is_dir():
            shutil.copytree(neighbour, place.parent / neighbour.name, dirs_exist_ok=True)
    for path in (place, *place.rglob("*")):  # the snapshot is read-only
        path.chmod(0o755 if path.is_dir() else 0o644)
    cells = []
    for way, roots in WAYS.items():
        if way not in ways:
            cells += ["", ""]
            continue
        kept = scratch / f"objects-{way}"
        objects = place / "build/objects-gcc-sdk"
        if roots and kept.is_dir():
            shutil.copytree(kept, objects, dirs_exist_ok=True)
        try:
            make = build_pair if roots and has_riscv(place) else build_project
            image = make(place, toolchain, sdk=roots)
        except ToolError as error:
            is_refusal = isinstance(error, UnsupportedError) or not error.fix
            cells += ["no", _first_error(error.why) if is_refusal else error.fix]
            continue
        if roots and objects.is_dir() and not kept.is_dir():
            shutil.copytree(objects, kept)
        cells += ["yes", _run(image.elf)]
    return Row(str(folder.relative_to(EXAMPLES)), tuple(cells))


def _first_error(text):
    """What a compiler minds first, else the first line."""
    match = re.search(r"error: (.*)", text)
    return match[1] if match else text.partition("\n")[0]


def _run(elf):
    board = VirtualBoard(is_strict=False)
    board.load_elf(elf)
    try:
        outcome = board.run(limits=LIMITS)
    except BoardError as error:
        return error.why.partition("\n")[0]
    return "PASS" if outcome.is_pass else outcome.reason


def sums(rows):
    """How many of all are built, and pass, in each way."""
    parts = []
    for number, way in enumerate(("our package", "SDK 2022", "SDK 2025")):
        cells = [row.cells[2 * number : 2 * number + 2] for row in rows]
        built = sum(built == "yes" for built, _ in cells)
        passed = sum(said == "PASS" for _, said in cells)
        parts.append(f"{way} {built} built, {passed} PASS")
    return f"\nOf {len(rows)}: {'; '.join(parts)}.\n"


def main():
    """Write the page."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for folder in example_folders():
            rows.append(row_of(folder, Path(scratch)))
            sys.stderr.write(f"{rows[-1].text}\n")
    PAGE.write_text(HEAD + "".join(f"{row.text}\n" for row in rows) + sums(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
