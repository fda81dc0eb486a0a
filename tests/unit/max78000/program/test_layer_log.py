"""Console text of layer checks: whole, cut, garbled, of another network."""

from dataclasses import replace

import numpy as np
import pytest

from max78000.errors import InputError
from max78000.program.layer_log import find_difference, read_log
from max78000.program.layer_table import LayerTable, TableEntry, channel_checksums
from max78000.program.program import OutputMap

BYTES = np.random.default_rng(1).integers(-128, 128, (2, 5, 7))
WORDS = np.random.default_rng(2).integers(-1 << 31, 1 << 31, (3, 1, 2))
LAYERS = {"conv one": BYTES, "wide": WORDS}


def entry(index, name, values, width_bits):
    shape = values.shape
    output = OutputMap(index, name, shape, width_bits, tuple(range(0, 4 * shape[0], 4)), 4)
    return TableEntry(output, channel_checksums(values, width_bits))


TABLE = LayerTable("net", (entry(0, "conv one", BYTES, 8), entry(3, "wide", WORDS, 32)))


def log_of(layers):
    """What the firmware prints for these values."""
    lines = ["Waiting...", "", "*** CNN Layer Checks net ***"]
    is_first = True
    for one in TABLE.entries:
        output, values = one.output, layers[one.output.name]
        crcs = channel_checksums(values, output.width_bits)
        differing = [i for i, crc in enumerate(crcs) if crc != one.checksums[i]]
        end = f"differs from channel {differing[0]} on" if differing else "ok"
        lines.append(f"layer {output.layer} {output.name} crc32 {crcs[-1]:08x} {end}")
        if differing and is_first:
            is_first, digits = False, output.width_bits // 4
            flat = values[differing[0]].reshape(-1) & (1 << output.width_bits) - 1
            for first in range(0, len(flat), 16):
                text = "".join(f"{value:0{digits}x}" for value in flat[first : first + 16])
                lines.append(f"values {output.layer} {differing[0]} {first} {text}")
    return "\n".join(lines)


def spoiled(name, place, value):
    layers = {key: values.copy() for key, values in LAYERS.items()}
    layers[name][place] = value
    return layers


def difference(text):
    return find_difference(read_log(text, "log"), TABLE, LAYERS)


def test_a_right_answer_has_no_difference():
    assert difference(log_of(LAYERS)) is None
    assert difference(log_of(LAYERS).replace("\n", "\r\n")) is None


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("conv one", (1, 4, 6), 5),
        ("conv one", (0, 0, 0), -128),
        ("wide", (2, 0, 1), -1),
        ("wide", (0, 0, 0), 0x12345678),
    ],
)
def test_the_pixel_is_named(name, place, value):
    found = difference(log_of(spoiled(name, place, value)))
    assert (found.layer, (found.channel, found.row, found.column)) == (name, place)
    assert (found.found, found.expected) == (value, LAYERS[name][place])


def test_the_last_run_counts():
    wrong = log_of(spoiled("wide", (1, 0, 0), 9))
    assert difference(wrong + "\n" + log_of(LAYERS)) is None
    assert difference(log_of(LAYERS) + "\n" + wrong).layer == "wide"


def test_a_log_without_values_still_names_the_channel():
    text = log_of(spoiled("conv one", (1, 2, 3), 0 if BYTES[1, 2, 3] else 1))
    lines = [line for line in text.splitlines() if not line.startswith("values")]
    found = difference("\n".join(lines))
    assert found.startswith("layer 0 conv one channel 1 has CRC-32 ")
    assert found.endswith(f"expected {TABLE.entries[0].checksum:08x}")


def test_lost_characters_are_no_reason_to_stumble():
    text = log_of(spoiled("wide", (1, 0, 1), 77))
    for size in range(len(text) + 1):
        cut = text[:size]
        if "crc32" not in cut or " ok" not in cut:
            with pytest.raises(InputError, match="no line of a layer check"):
                read_log(cut, "log")
        else:
            assert difference(cut) is not None
    garbled = text.replace("values 3 1 0 ", "values 3 1 999 ")
    assert "channel 1 has CRC-32" in difference(garbled)
    other_channel = text.replace("values 3 1 0 ", "values 3 99 0 ")
    assert "channel 1 has CRC-32" in difference(other_channel)


def test_firmware_of_another_network_is_told_apart():
    other = log_of(LAYERS).replace("layer 3", "layer 4")
    assert "layer 3 wide has no line" in difference(other)
    crc = f"{TABLE.entries[0].checksum:08x} ok"
    odd = log_of(LAYERS).replace(crc, crc.replace("ok", "differs from channel 0 on"))
    assert "the board expects another" in difference(odd)
    changed = replace(TABLE, entries=(entry(0, "conv one", BYTES + 1, 8),))
    log = read_log(log_of(LAYERS), "log")
    assert "has CRC-32" in find_difference(log, changed, {"conv one": BYTES + 1})
