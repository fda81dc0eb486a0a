"""Draws the pictures of `chip.md` as SVG files; sizes and counts come from `max78000.facts.chip`.

Run it to write `docs/img` again; a test compares. Every picture has a title and a description for
those who do not see it, its own paper, and colours for dark screens. Layout only: what is shown is
said in the page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType

from max78000.facts.chip import MAX78000 as CHIP

FOLDER = Path(__file__).parent / "img"
STYLE = """\
svg { --paper: #ffffff; --ink: #1b1f24; --line: #8b949e; --a: #cfe3ff; --b: #ffe1b8; --c: #d3f0d6;
  --d: #eddcff; --none: #eceef0; }
@media (prefers-color-scheme: dark) { svg { --paper: #15191e; --ink: #e6edf3; --line: #8b949e;
  --a: #1f3f6b; --b: #6b430f; --c: #1d5130; --d: #4b2f75; --none: #2b3138; } }
text { fill: var(--ink); font: 12px system-ui, sans-serif; text-anchor: middle; }
.start { text-anchor: start; } .small { font-size: 10px; } .head { font-weight: 600; }
rect, path { stroke: var(--line); fill: var(--none); } .paper { stroke: none; fill: var(--paper); }
.a { fill: var(--a); } .b { fill: var(--b); } .c { fill: var(--c); } .d { fill: var(--d); }
.arrow { fill: none; stroke: var(--ink); } .frame { fill: none; }"""
WORD = 4  # bytes, and so lanes, of a data memory word
LANE_WIDTH, LANE_HEIGHT = 44, 20
KILO = 1024


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing before it is text: sizes in pixels, and the elements from back to front."""

    title: str
    description: str
    width: int
    height: int
    parts: tuple[str, ...]

    def to_text(self) -> str:
        """The SVG file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"'
            f' width="{self.width}" height="{self.height}" role="img"'
            ' aria-labelledby="title description">'
        )
        lines = [
            head,
            f'<title id="title">{escape(self.title)}</title>',
            f'<desc id="description">{escape(self.description)}</desc>',
            f"<style>\n{STYLE}\n</style>",
            f'<rect class="paper" width="{self.width}" height="{self.height}"/>',
            *self.parts,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"


# -- elements --------------------------------------------------------------------------------------


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{attribute}>{escape(words)}</text>'


def _box(x: float, y: float, size: tuple[float, float], words: str = "", kind: str = "") -> str:
    """A rectangle with a line of text in its middle."""
    width, height = size
    colour = f' class="{kind}"' if kind else ""
    rect = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2"{colour}/>'
    label = _text(x + width / 2, y + height / 2 + 4, words, "small" if width < 60 else "")
    return rect + (label if words else "")


def _arrow(x: float, y: float, length: float) -> str:
    """An arrow to the right."""
    end = x + length
    return (
        f'<path class="arrow" d="M{x:g} {y:g} H{end:g} M{end - 5:g} {y - 4:g} L{end:g} {y:g}'
        f' L{end - 5:g} {y + 4:g}"/>'
    )


def _words(x: float, y: float, rows: list[list[tuple[str, str]]]) -> list[str]:
    """Data memory words, one below the other: (text, colour) of lanes 0 to 3 each."""
    return [
        _box(x + lane * LANE_WIDTH, y + row * LANE_HEIGHT, (LANE_WIDTH, LANE_HEIGHT), text, colour)
        for row, lanes in enumerate(rows)
        for lane, (text, colour) in enumerate(lanes)
    ]


# -- pictures --------------------------------------------------------------------------------------


def chip() -> Picture:
    """The accelerator: quadrants, processors, and the memories of each."""
    parts: list[str] = []
    for quadrant in range(CHIP.n_quadrants):
        x, y = 16 + quadrant % 2 * 440, 40 + quadrant // 2 * 200
        parts += _quadrant(quadrant, x, y)
    total = (
        f"{CHIP.n_processors} processors; weights {CHIP.weight_bytes:,} bytes, "
        f"biases {CHIP.bias_bytes:,} bytes, data {CHIP.data_bytes:,} bytes"
    )
    parts.append(_text(448, 24, total, "head"))
    return Picture(
        "Processors and memories of the accelerator",
        f"{CHIP.n_quadrants} quadrants of {CHIP.processors_per_quadrant} processors each. Every "
        f"four processors share a data memory of {CHIP.data_instance_bytes // KILO} KiB, every "
        "processor has a weight memory of its own, and each quadrant has one bias memory.",
        896,
        440,
        tuple(parts),
    )


def _quadrant(quadrant: int, x: int, y: int) -> list[str]:
    first = quadrant * CHIP.processors_per_quadrant
    last = first + CHIP.processors_per_quadrant - 1
    width = 26
    master = ", the master" if quadrant == 0 else ""
    parts = [
        _box(x, y, (424, 184), kind="frame"),
        _text(x + 212, y + 18, f"quadrant {quadrant}: processors {first} to {last}{master}"),
    ]
    for i in range(0, CHIP.processors_per_quadrant, CHIP.processors_per_instance):
        size = (CHIP.processors_per_instance * width - 4, 32)
        label = f"{CHIP.data_instance_bytes // KILO} KiB data"
        parts.append(_box(x + 6 + i * width, y + 30, size, label, "a"))
    for i in range(CHIP.processors_per_quadrant):
        left = x + 6 + i * width
        parts.append(_box(left, y + 68, (width - 4, 26), str(first + i), "c"))
        parts.append(_box(left, y + 98, (width - 4, 20), kind="b"))
    weights = f"weights: {CHIP.kernel_words} words of {CHIP.kernel_word_bytes} bytes each"
    parts.append(_text(x + 212, y + 133, weights))
    biases = f"biases: {CHIP.bias_bytes_per_quadrant} bytes"
    parts.append(_box(x + 6, y + 144, (412, 30), biases, "d"))
    return parts


def layouts() -> Picture:
    """One picture in both layouts."""
    parts = [_text(210, 24, "HWC: a word is one pixel of four channels", "head")]
    parts.append(_text(690, 24, "CHW: a word is four pixels of one channel", "head"))
    for instance in range(2):
        x = 24 + instance * 200
        parts.append(_text(x + 88, 50, f"processors {4 * instance} to {4 * instance + 3}"))
        channels = [4 * instance + lane for lane in range(WORD)]
        rows = [[(f"c{c} p{pixel}", "abcd"[c % 4]) for c in channels] for pixel in range(4)]
        parts += _words(x, 60, rows)
    for instance in range(2):
        x = 504 + instance * 200
        parts.append(_text(x + 88, 50, f"processor {4 * instance} alone"))
        rows = [
            [(f"c{instance} p{4 * row + lane}", "ab"[instance]) for lane in range(WORD)]
            for row in range(4)
        ]
        parts += _words(x, 60, rows)
    for x in (24, 224, 504, 704):
        parts += [
            _text(x + (lane + 0.5) * LANE_WIDTH, 158, f"lane {lane}", "small")
            for lane in range(WORD)
        ]
    return Picture(
        "Data layouts HWC and CHW",
        "Left, HWC: each 32-bit word holds one pixel (p) of four channels (c), one byte for each "
        "of the four processors. Right, CHW: each word holds four pixels of one channel, and only "
        "one of the four processors is used.",
        904,
        176,
        tuple(parts),
    )


def layer() -> Picture:
    """What happens in one layer, in order."""
    steps = (
        ("read", "8-bit data", "a"),
        ("pool", "max or average", "c"),
        ("combine", "add, sub, or, xor", "c"),
        ("convolve", "zeros around, sum", "b"),
        ("add bias", "128 · bias", "d"),
        ("shift", "round half up", "b"),
        ("activate", "clamp, ReLU, Abs", "c"),
        ("write", "8-bit data", "a"),
    )
    parts: list[str] = []
    for i, (name, detail, colour) in enumerate(steps):
        x = 12 + i * 118
        parts.append(_box(x, 20, (100, 40), name, colour))
        parts.append(_text(x + 50, 78, detail, "small"))
        if i:
            parts.append(_arrow(x - 18, 40, 17))
    parts.append(_text(720, 104, "left out with output_width: 32", "small"))
    parts.append('<path class="arrow" d="M602 86 V92 H820 V86"/>')
    return Picture(
        "The steps of one layer",
        "In order: read 8-bit data, pool, combine operands element by element, convolve, add the "
        "bias, shift and round, clamp and activate, write. 32-bit output leaves out the shift and "
        "the activation.",
        956,
        116,
        tuple(parts),
    )


def interleave() -> Picture:
    """Two operands of an element-wise layer, word by word in turn."""
    parts = [
        _text(100, 24, "first layer writes", "head"),
        _text(400, 24, "second layer writes", "head"),
        _text(740, 24, "together in memory", "head"),
        _text(100, 42, "write_gap 1, out_offset 0"),
        _text(400, 42, "write_gap 1, out_offset 4"),
        _text(740, 42, "read as two operands from 0"),
        _text(250, 118, "and"),
    ]
    blank = [("", "")] * WORD
    first = [[(f"a{lane} p{pixel}", "a") for lane in range(WORD)] for pixel in range(3)]
    second = [[(f"b{lane} p{pixel}", "b") for lane in range(WORD)] for pixel in range(3)]
    parts += _words(12, 54, [row for word in first for row in (word, blank)])
    parts += _words(312, 54, [row for word in second for row in (blank, word)])
    both = [row for pair in zip(first, second, strict=True) for row in pair]
    parts += _words(652, 54, both)
    parts += [_text(840, 68 + 20 * row, f"+{4 * row}", "start small") for row in range(6)]
    for pixel in range(3):
        parts.append(_arrow(504, 74 + 40 * pixel, 130))
    parts.append(_text(569, 66, "same memory", "small"))
    return Picture(
        "Operands of an element-wise layer",
        "The first layer writes every second word from offset 0, the second every second word from "
        "offset 4. In memory words of the two alternate; the layer that adds reads both of a pixel "
        "one after the other.",
        876,
        184,
        tuple(parts),
    )


def passes() -> Picture:
    """70 channels on 36 processors in two passes."""
    parts = [
        _text(120, 24, "data of processors 0 to 3", "head"),
        _text(500, 24, "who computes what", "head"),
        _text(800, 24, "weights of processor 0", "head"),
    ]
    rows = [
        [(f"c{36 * part + lane} p{pixel}", "ab"[part]) for lane in range(WORD)]
        for pixel in range(3)
        for part in range(2)
    ]
    parts += _words(32, 40, rows)
    parts += [
        _text(214, 54 + 20 * row, f"pass {row % 2}", "start small") for row in range(len(rows))
    ]
    # fmt: off
    table = (
        ("processor", "pass 0", "pass 1"),
        ("0", "c0", "c36"), ("1", "c1", "c37"), ("…", "…", "…"),
        ("33", "c33", "c69"), ("34", "c34", "idle"), ("35", "c35", "idle"),
    )
    # fmt: on
    for row, cells in enumerate(table):
        for column, cell in enumerate(cells):
            colour = "" if row == 0 or column == 0 or cell == "idle" else "ab"[column - 1]
            parts.append(_box(365 + 90 * column, 36 + 20 * row, (90, 20), cell, colour))
    kernels = [f"output {output}, {channel}" for output in range(3) for channel in ("c0", "c36")]
    for row, kernel in enumerate(kernels):
        parts.append(_box(730, 40 + 20 * row, (140, 20), kernel, "ab"[row % 2]))
    return Picture(
        "More than 64 channels: passes",
        "70 channels take two passes of 36 processors. Processor n computes channel n in the first "
        "pass and channel 36 + n in the second; processors 34 and 35 idle there. The words of both "
        "passes of a pixel are neighbours, and so are the kernels of both passes of an output.",
        896,
        188,
        tuple(parts),
    )


DRAWINGS: Mapping[str, Callable[[], Picture]] = MappingProxyType(
    {draw.__name__: draw for draw in (chip, layer, layouts, interleave, passes)}
)


def main() -> None:
    """Write all pictures, each whole or not at all."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        temporary = FOLDER / f"{name}.svg.tmp"
        temporary.write_text(draw().to_text(), encoding="utf-8")
        temporary.replace(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
