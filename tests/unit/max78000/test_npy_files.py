import io
import struct
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.errors import InputError
from max78000.files import load_npy, npy_bytes, read_npy
from max78000.program.input_file import read_input
from max78000.program.layer_dump import MAX_DUMP_BYTES, read_dump


def with_header(text):
    """An .npy file whose header is this text."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


HEADERS = (
    "{'descr': '|u1', 'fortran_order': False, 'shape': (None,)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (True, 'x')}",
    "{'descr': [('a', '<i4', -1)], 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '<U99999999999', 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999,)}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
    "(" * 3000,
    "{",
    "[]",
)


@pytest.mark.parametrize("text", HEADERS, ids=range(len(HEADERS)))
def test_a_damaged_header_is_one_line(text, tmp_path):
    (tmp_path / "a.npy").write_bytes(with_header(text))
    with pytest.raises(ValueError, match=r"^.+$") as caught:
        load_npy(tmp_path / "a.npy")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError):
        read_input(tmp_path / "a.npy", 2, 2, 1)


@pytest.mark.long
@given(st.data())
def test_whatever_is_changed_is_read_or_is_a_value_error(data):
    contents = bytearray(npy_bytes(np.arange(12, dtype=np.int8).reshape(3, 4)))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(contents) - 1))
        contents[place] = data.draw(st.integers(0, 255))
    cut = contents[: data.draw(st.integers(0, len(contents)))]
    with suppress(ValueError):
        read_npy(io.BytesIO(cut))


@pytest.mark.long
def test_a_dump_that_unpacks_to_too_much_is_refused_before(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("conv1.npy", bytes(MAX_DUMP_BYTES + 1))
    with pytest.raises(InputError, match="134,217,729 bytes unpacked are more than any network's"):
        read_dump(path)


@pytest.mark.parametrize("suffix", [".qoi", ".dds", ".avif", ".png"])
def test_pictures_that_announce_nonsense_are_one_line(suffix, tmp_path):
    starts = {
        ".qoi": b"qoif" + struct.pack(">II", 1 << 14, 1 << 17) + b"\x03\x00",
        ".dds": b"DDS " + struct.pack("<I", 124) + bytes(120),
        ".avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
        ".png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17),
    }
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(starts[suffix] + bytes(64))
    with pytest.raises(InputError, match="cannot be read"):
        read_input(path, 2, 2, 3)
