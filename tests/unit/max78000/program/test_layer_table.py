"""`layers.json`: checksums that anybody can compute, and a file that is read as strictly as it was
written.
"""

import json
import zlib

import numpy as np
import pytest

from max78000.errors import InputError, InternalError
from max78000.program.layer_table import (
    LAYERS_FILE,
    LayerTable,
    TableEntry,
    channel_checksums,
    from_json,
    read_layers,
    to_json,
)
from max78000.program.program import OutputMap

VALUES = np.random.default_rng(3).integers(-128, 128, (3, 4, 5))
OUTPUT = OutputMap(2, "conv3", (3, 4, 5), 8, (0x50400000, 0x50400001, 0x50408000), 4)
TABLE = LayerTable("net", (TableEntry(OUTPUT, channel_checksums(VALUES, 8)),))


def test_a_checksum_is_that_of_the_arrays_bytes():
    checksums = channel_checksums(VALUES, 8)
    assert checksums[-1] == zlib.crc32(VALUES.astype(np.int8).tobytes())
    assert checksums[0] == zlib.crc32(VALUES[0].astype(np.int8).tobytes())
    assert len(checksums) == 3
    wide = channel_checksums(VALUES * 1000, 32)
    assert wide[-1] == zlib.crc32((VALUES * 1000).astype("<i4").tobytes())


def test_the_first_checksum_that_differs_names_the_channel():
    wrong = VALUES.copy()
    wrong[1, 2, 3] ^= 1
    pairs = zip(channel_checksums(VALUES, 8), channel_checksums(wrong, 8), strict=True)
    assert [one == other for one, other in pairs] == [True, False, False]


def test_what_is_written_is_read(tmp_path):
    text = to_json(TABLE)
    assert from_json(text) == TABLE
    assert to_json(from_json(text)) == text
    (tmp_path / LAYERS_FILE).write_text(text)
    assert read_layers(tmp_path) == TABLE
    assert TABLE.entries[0].title == "layer 2 conv3"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "format is 'other'"),
        ({"layers": {}}, "layers: {} is of the wrong kind"),
        ({"layers": [{}]}, "layers[0]: 'shape' is missing"),
        ({"shape": [3, 4]}, "layers[0].shape: (3, 4) is no shape"),
        ({"shape": [3, 0, 5]}, "is no shape of channels"),
        ({"shape": [4, 4, 5]}, "a place for each channel is needed"),
        ({"width_bits": 16}, "width 16 is neither 8 nor 32"),
        ({"checksums": "0000"}, "layers[0].checksums: not words"),
        ({"checksums": "00000000"}, "a checksum for each channel is needed"),
    ],
)
def test_damaged_tables_are_refused(change, message):
    data = json.loads(to_json(TABLE))
    if set(change) & {"format", "layers"}:
        data.update(change)
    else:
        data["layers"][0].update(change)
    with pytest.raises(InputError) as caught:
        from_json(json.dumps(data), "net/layers.json")
    assert str(caught.value).startswith("net/layers.json: not a table of layers: ")
    assert message in str(caught.value)


def test_no_table_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="synthesize the network again"):
        read_layers(tmp_path)
    (tmp_path / LAYERS_FILE).write_text("{")
    with pytest.raises(InputError, match="not a table of layers"):
        read_layers(tmp_path)


def test_an_entry_has_a_checksum_for_each_channel():
    with pytest.raises(InternalError):
        TableEntry(OUTPUT, (1, 2))
