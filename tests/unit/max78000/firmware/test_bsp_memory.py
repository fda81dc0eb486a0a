"""String and memory functions of the support package, compiled for this machine."""

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_build import build_native, renamed

from max78000.firmware.sources import SUPPORT

NAMES = ("memcpy", "memmove", "memset", "memcmp", "strlen", "strcmp", "strncmp")
texts = st.binary(max_size=12).map(lambda text: text.replace(b"\0", b"a"))


def sign(number):
    return (number > 0) - (number < 0)


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    path = tmp_path_factory.mktemp("memory") / "memory.so"
    flags = ("-O1", "-ffreestanding", "-fno-builtin", f"-I{SUPPORT / 'include'}")
    library = build_native(path, [SUPPORT / "src/memory.c"], *flags, *renamed(*NAMES))
    library.bsp_strlen.restype = ctypes.c_size_t
    return library


@pytest.mark.long
@given(st.binary(min_size=1, max_size=24), st.data())
def test_memmove_may_overlap(memory, content, data):
    n = data.draw(st.integers(0, len(content)))
    places = st.integers(0, len(content) - n)
    start, end = data.draw(places), data.draw(places)
    buffer = ctypes.create_string_buffer(content, len(content))
    base = ctypes.addressof(buffer)
    memory.bsp_memmove(
        ctypes.c_void_p(base + end), ctypes.c_void_p(base + start), ctypes.c_size_t(n)
    )
    expected = bytearray(content)
    expected[end : end + n] = content[start : start + n]
    assert buffer.raw == bytes(expected)


@given(st.binary(max_size=24))
def test_memcpy_and_memset(memory, content):
    n = ctypes.c_size_t(len(content))
    buffer = ctypes.create_string_buffer(len(content) + 1)
    memory.bsp_memcpy(buffer, content, n)
    assert buffer.raw == content + b"\0"
    memory.bsp_memset(buffer, 0x1A5, n)
    assert buffer.raw == b"\xa5" * len(content) + b"\0"


@given(texts, texts, st.integers(0, 14))
def test_comparisons(memory, left, right, n):
    size = ctypes.c_size_t(min(n, len(left), len(right)))
    a, b = left[: size.value], right[: size.value]
    assert sign(memory.bsp_memcmp(left, right, size)) == (a > b) - (a < b)
    assert sign(memory.bsp_strcmp(left, right)) == (left > right) - (left < right)
    a, b = left[:n], right[:n]
    assert sign(memory.bsp_strncmp(left, right, ctypes.c_size_t(n))) == (a > b) - (a < b)
    assert memory.bsp_strlen(left) == len(left)
