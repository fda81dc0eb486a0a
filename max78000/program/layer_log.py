"""Console text of firmware with layer checks -> what the board said of each layer.

Lines of another kind are passed over, so a whole console log can be given, with the terminal's own
lines in it. Runs nothing, reads no files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from max78000.errors import InputError
from max78000.program.layer_dump import Difference, Values, difference_of
from max78000.program.layer_table import LayerTable, TableEntry

# The lines of the C template `layer_checks.c`. A layer's name may be anything.
LAYER = re.compile(
    r"layer (\d{1,9}) .*\bcrc32 ([0-9a-f]{8}) (?:ok|differs from channel (\d{1,9}) on)\s*"
)
VALUES = re.compile(r"values (\d{1,9}) (\d{1,9}) (\d{1,9}) ((?:[0-9a-f]{2})+)\s*")


@dataclass(frozen=True, slots=True)
class BoardChannel:
    """Values of one channel as the board printed them: hexadecimal digits by first pixel."""

    layer: int
    channel: int
    digits: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class BoardLog:
    """What a board said.

    Args:
        checksums: CRC-32 by number of the layer.
        channels: first channel that differs, by number of the layer; layers that are right have
            none.
        printed: values of the first channel of the first layer that differs.
    """

    checksums: Mapping[int, int]
    channels: Mapping[int, int]
    printed: BoardChannel | None


def read_log(text: str, source: str) -> BoardLog:
    """Find the lines of layer checks; of several runs the last one counts.

    Raises:
        InputError: there are none.
    """
    checksums: dict[int, int] = {}
    channels: dict[int, int] = {}
    digits: dict[tuple[int, int], dict[int, str]] = {}
    for line in text.splitlines():
        if match := LAYER.fullmatch(line):
            index = int(match[1])
            if index in checksums:  # a new run
                checksums, channels, digits = {}, {}, {}
            checksums[index] = int(match[2], 16)
            if match[3] is not None:
                channels[index] = int(match[3])
        elif match := VALUES.fullmatch(line):
            layer, channel, pixel = (int(match[i]) for i in (1, 2, 3))
            digits.setdefault((layer, channel), {})[pixel] = match[4]
    if not checksums:
        fix = "flash a project made with `synthesize --layer-checks` and log its console"
        raise InputError("holds no line of a layer check", where=source, fix=fix)
    printed = [BoardChannel(*place, values) for place, values in digits.items()]
    return BoardLog(checksums, channels, printed[0] if printed else None)


def find_difference(
    log: BoardLog, table: LayerTable, expected: Mapping[str, Values]
) -> Difference | str | None:
    """Say where the board goes wrong first; None if it does not.

    Args:
        table: of the project that the firmware was made of.
        expected: result of every layer by name, (C, H, W).
    Returns:
        The first value that differs if the board printed it, else its place in words.
    """
    for entry in table.entries:
        index = entry.output.layer
        if index not in log.checksums:
            return f"{entry.title} has no line: the log ends early, or belongs to another network"
        if log.checksums[index] != entry.checksum:
            return _explain(log, entry, expected[entry.output.name])
        if index in log.channels:
            return f"{entry.title} has the right checksum, but the board expects another"
    return None


def _explain(log: BoardLog, entry: TableEntry, expected: Values) -> Difference | str:
    """A layer whose checksum is wrong: the pixel if its channel was printed."""
    index = entry.output.layer
    if log.printed is not None and log.printed.layer == index:
        difference = _first_printed(log.printed, entry, expected)
        if difference is not None:
            return difference
    channel = log.channels.get(index)
    where = entry.title if channel is None else f"{entry.title} channel {channel}"
    return f"{where} has CRC-32 {log.checksums[index]:08x}, expected {entry.checksum:08x}"


def _first_printed(printed: BoardChannel, entry: TableEntry, expected: Values) -> Difference | None:
    """Compare printed values; lines that got lost, or lost characters, are left out."""
    n_digits = entry.output.width_bits // 4
    if printed.channel >= len(expected):
        return None
    right = expected[printed.channel : printed.channel + 1]
    found = right.reshape(-1).copy()
    for first, digits in printed.digits.items():
        raw = bytes.fromhex(digits)[: len(digits) // n_digits * n_digits // 2]
        values = np.frombuffer(raw, f">i{n_digits // 2}")[: max(len(found) - first, 0)]
        found[first : first + len(values)] = values
    difference = difference_of(entry.output.name, right, found.reshape(right.shape))
    return None if difference is None else replace(difference, channel=printed.channel)
