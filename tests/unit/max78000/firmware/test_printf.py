"""The formatter of the support package, compiled for this machine, against Python's own."""

import ctypes
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.firmware.sources import SUPPORT

HARNESS = """
#include <stdint.h>
#include "uart.h"

char console[4096];
unsigned n_console;

void uart_write_byte(uint8_t byte) { console[n_console++ % 4096] = (char)byte; }
"""
# The C library of this machine has functions of the same names; these must be ours.
RENAMED = ("vprintf", "puts", "putchar", "snprintf", "vsnprintf")
INTEGERS = {  # length -> bits
    "hh": 8,
    "h": 16,
    "": 32,
    "ll": 64,
    "j": 64,
    "l": 8 * ctypes.sizeof(ctypes.c_long),
    "z": 8 * ctypes.sizeof(ctypes.c_size_t),
}
SIZE = 300


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("printf")
    (folder / "harness.c").write_text(HARNESS)
    sources = [SUPPORT / "src/format.c", SUPPORT / "src/print.c", folder / "harness.c"]
    command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O1", "-ffreestanding",
               "-Wall", "-Wextra", "-Werror", f"-I{SUPPORT / 'include'}",
               *(f"-D{name}=bsp_{name}" for name in RENAMED), *map(str, sources),
               "-o", str(folder / "printf.so")]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return ctypes.CDLL(str(folder / "printf.so"))


def show(library, text, *arguments):
    """What snprintf makes of it."""
    buffer = ctypes.create_string_buffer(SIZE)
    n = library.bsp_snprintf(buffer, ctypes.c_size_t(SIZE), text.encode(), *arguments)
    assert n == len(buffer.value)
    return buffer.value.decode()


def console(library, name, *arguments):
    """What a function of stdio.h sends to the console."""
    start = ctypes.c_uint.in_dll(library, "n_console").value
    getattr(library, name)(*arguments)
    end = ctypes.c_uint.in_dll(library, "n_console").value
    return (ctypes.c_char * 4096).in_dll(library, "console").raw[start:end]


flags = st.sets(st.sampled_from("-0+ "), max_size=2).map("".join)
widths = st.sampled_from(["", "1", "8", "30"])
precisions = st.sampled_from(["", ".1", ".5", ".25"])


@given(flags, widths, precisions, st.sampled_from(list(INTEGERS)), st.data())
def test_signed_integers(library, flag, width, precision, length, data):
    if precision:
        flag = flag.replace("0", "")  # C ignores it then; Python does not
    bits = INTEGERS[length]
    value = data.draw(st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    argument = (ctypes.c_longlong if bits == 64 else ctypes.c_int)(value)
    expected = f"%{flag}{width}{precision}d" % value
    for kind in "di":
        assert show(library, f"%{flag}{width}{precision}{length}{kind}", argument) == expected


@given(
    st.sampled_from(["", "-", "0", "#", "-#", "0#"]),
    widths,
    st.sampled_from("uxX"),
    st.sampled_from(list(INTEGERS)),
    st.data(),
)
def test_unsigned_integers(library, flag, width, kind, length, data):
    if kind == "u":
        flag = flag.replace("#", "")
    value = data.draw(st.integers(1, (1 << INTEGERS[length]) - 1))  # 0 has no prefix in C
    argument = (ctypes.c_ulonglong if INTEGERS[length] == 64 else ctypes.c_uint)(value)
    expected = f"%{flag}{width}{kind}" % value
    assert show(library, f"%{flag}{width}{length}{kind}", argument) == expected


@given(
    st.sampled_from(["", "-"]),
    st.sampled_from(["", "4", "12"]),
    st.sampled_from(["", ".0", ".3"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)
def test_text(library, flag, width, precision, text):
    form = f"[%{flag}{width}{precision}s]"
    assert show(library, form, text.encode()) == form % text


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("plain", (), "plain"),
        ("100%%", (), "100%"),
        ("%c%c", (ord("o"), ord("k")), "ok"),
        ("[%3c]", (ord("x"),), "[  x]"),
        ("%d %x", (0, 0), "0 0"),
        ("[%.0d]", (0,), "[]"),
        ("[%#x]", (0,), "[0]"),
        ("[%05d]", (-42,), "[-0042]"),
        ("[%-5d]", (42,), "[42   ]"),
        ("[%*d]", (6, 42), "[    42]"),
        ("[%*d]", (-6, 42), "[42    ]"),
        ("[%.*s]", (2, b"abc"), "[ab]"),
        ("[%s]", (None,), "[(null)]"),
        ("0x%08lx", (ctypes.c_ulong(0x5040_0000),), "0x50400000"),
        (
            "[%7ld] -> Class %d: %d.%d%%",
            (ctypes.c_long(-5), 3, 99, 1),
            "[     -5] -> Class 3: 99.1%",
        ),
    ],
)
def test_by_hand(library, text, arguments, expected):
    assert show(library, text, *arguments) == expected


def test_pointers_have_all_digits(library):
    digits = 2 * ctypes.sizeof(ctypes.c_void_p)
    assert show(library, "%p", ctypes.c_void_p(0x2000_0004)) == f"0x{0x2000_0004:0{digits}x}"


@pytest.mark.parametrize("text", ["%f and %d", "%q", "%", "%5", "%l"])
def test_from_an_unknown_conversion_on_the_format_is_shown(library, text):
    assert show(library, f"%d then {text}", 7) == f"7 then {text}"


@pytest.mark.parametrize(("size", "kept"), [(0, b"????"), (1, b"\0???"), (3, b"ab\0?")])
def test_a_short_buffer_gets_the_start(library, size, kept):
    buffer = ctypes.create_string_buffer(b"????")
    assert library.bsp_snprintf(buffer, ctypes.c_size_t(size), b"abcdef") == 6
    assert buffer.raw[:4] == kept


def test_the_console_gets_carriage_returns(library):
    assert console(library, "printf", b"a\nb%d\n", 5) == b"a\r\nb5\r\n"
    assert console(library, "bsp_puts", b"line") == b"line\r\n"
    assert console(library, "bsp_putchar", ord("x")) == b"x"
    assert console(library, "bsp_putchar", ord("\n")) == b"\r\n"
