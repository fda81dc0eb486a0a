"""The formatter of the support package, compiled for this machine, against Python's own."""

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_build import build_native, renamed

from max78000.firmware.sources import SUPPORT

HARNESS = """
#include <stdint.h>
#include "uart.h"

char console[4096];
unsigned n_console;

const char *typed = "";

void uart_write_byte(uint8_t byte) { console[n_console++ % 4096] = (char)byte; }
void uart_drain(void) {}
int uart_read_byte(uint32_t timeout_ms) { return timeout_ms ? (unsigned char)*typed++ : -1; }
"""
RENAMED = ("vprintf", "puts", "putchar", "snprintf", "vsnprintf", "sprintf", "vsprintf", "fprintf",
           "vfprintf", "fputs", "fputc", "putc", "fwrite", "setvbuf", "setbuf", "getchar", "fgetc",
           "getc", "fgets", "stdin", "stdout", "stderr")  # fmt: skip
SOURCES = ("format.c", "format_real.c", "print.c", "stream.c")
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
    sources = [*(SUPPORT / "src" / name for name in SOURCES), folder / "harness.c"]
    flags = ("-O1", "-ffreestanding", f"-I{SUPPORT / 'include'}", *renamed(*RENAMED))
    return build_native(folder / "printf.so", sources, *flags)


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


@pytest.mark.long
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


@pytest.mark.long
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


real_forms = st.tuples(
    st.just("%"),
    flags,
    st.sampled_from(["", "#"]),
    st.sampled_from(["", "1", "12", "40"]),
    st.sampled_from(["", ".0", ".1", ".3", ".10", ".17", ".30"]),
    st.sampled_from("fFeEgG"),
).map("".join)
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.long
@given(real_forms, finite | st.floats(-1e6, 1e6) | st.integers(-2000, 2000).map(lambda n: n / 8))
def test_reals_have_every_digit(library, form, value):
    assert show(library, form, ctypes.c_double(value)) == form % value


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("%.0f", 0.5, "0"),  # half to even
        ("%.0f", 1.5, "2"),
        ("%.0f", 2.5, "2"),
        ("%.2f", 2.675, "2.67"),  # the double lies below
        ("%.1e", 9.96e99, "1.0e+100"),
        ("%g", 100000.0, "100000"),
        ("%g", 1000000.0, "1e+06"),
        ("%g", 0.0001, "0.0001"),
        ("%f", 5e-324, "0.000000"),
        ("%.1100f", 5e-324, None),
        ("%f", 1.7976931348623157e308, None),
        ("[%08.2f]", -3.14159, "[-0003.14]"),
        ("[%-8.2f]", 3.14159, "[3.14    ]"),
        ("[%8f]", float("-inf"), "[    -inf]"),
        ("[%05f]", float("inf"), "[  inf]"),
        ("%G %%", float("nan"), "NAN %"),
        ("%a", 1.0, "%a"),
    ],
)
def test_reals_by_hand(library, text, value, expected):
    buffer = ctypes.create_string_buffer(1300)
    library.bsp_snprintf(buffer, ctypes.c_size_t(1300), text.encode(), ctypes.c_double(value))
    assert buffer.value.decode() == (text % value if expected is None else expected)


@given(st.integers(0, 2**64 - 1), st.sampled_from(["", "#", "022", "-22"]))
def test_octal(library, value, flag):
    expected = f"%{flag}o" % value
    if "#" in flag:  # Python writes 0o
        expected = expected.replace("0o", "0") if value else "0"
    assert show(library, f"%{flag}llo", ctypes.c_ulonglong(value)) == expected


@pytest.mark.long
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


@pytest.mark.parametrize("text", ["%a and %d", "%q", "%", "%5", "%l"])
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


def test_the_other_ways_to_the_console(library):
    stream = ctypes.c_void_p.in_dll(library, "bsp_stdout")
    assert console(library, "bsp_fputs", b"a\n", stream) == b"a\r\n"
    assert console(library, "bsp_fprintf", stream, b"%d", 5) == b"5"
    assert console(
        library, "bsp_fwrite", b"abc", ctypes.c_size_t(1), ctypes.c_size_t(2), stream
    ) == (b"ab")
    assert library.bsp_flush(stream) == 0


def test_characters_come_from_the_console(library):
    typed = ctypes.c_char_p.in_dll(library, "typed")
    typed.value = b"x\ry"
    assert library.bsp_getchar() == ord("x")
    assert library.bsp_getchar() == ord("\n")
    stream = ctypes.c_void_p.in_dll(library, "bsp_stdin")
    library.bsp_fgets.restype = ctypes.c_char_p
    typed.value = b"one\rtwo"
    buffer = ctypes.create_string_buffer(10)
    assert library.bsp_fgets(buffer, 10, stream) == b"one\n"
    assert library.bsp_fgets(buffer, 3, stream) == b"tw"
