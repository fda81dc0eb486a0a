"""The order of the steps, and the images that are refused before anything is touched."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.errors import CapacityError, InputError
from max78000.facts.memory_map import FLASH_ADDR, FLASH_BYTES, LINE_BYTES, PAGE_BYTES
from max78000.link.flash_plan import Erase, FlashImage, Verify, WriteLines, flash_image, flash_plan

VECTORS = struct.pack("<IIII", 0x2002_0000, FLASH_ADDR + 1, 0, 0)


def image_of(body):
    return flash_image(VECTORS + body, "test")


def test_a_plan_reads_like_this():
    assert str(flash_plan(image_of(bytes(PAGE_BYTES)))).splitlines() == [
        "erase 0x10000000",
        "erase 0x10002000",
        "write 0x10000010 8176 bytes",
        "write 0x10002000 16 bytes",
        "verify 0x10000010 8192 bytes",
        "write 0x10000000 16 bytes",
        "verify 0x10000000 16 bytes",
    ]


def carry_out(flash, step):
    at = step.addr - FLASH_ADDR
    if isinstance(step, Erase):
        flash[at : at + PAGE_BYTES] = b"\xff" * PAGE_BYTES
    elif isinstance(step, WriteLines):
        assert at // PAGE_BYTES == (at + len(step.data) - 1) // PAGE_BYTES, "one page at a time"
        assert at % LINE_BYTES == len(step.data) % LINE_BYTES == 0
        for index, byte in enumerate(step.data, at):
            flash[index] &= byte
    else:
        assert flash[at : at + len(step.data)] == step.data


@given(st.integers(0, 4 * PAGE_BYTES), st.binary(max_size=32), st.booleans())
def test_no_part_of_a_plan_leaves_half_an_image_that_starts(n_blank, tail, verify):
    image = image_of(b"\xff" * n_blank + tail)
    flash = bytearray(5 * PAGE_BYTES)
    flash[:LINE_BYTES] = VECTORS
    for step in flash_plan(image, verify=verify).steps:
        carry_out(flash, step)
        has_entry = flash[:LINE_BYTES] == VECTORS
        assert not has_entry or flash[: len(image.data)] == image.data
    assert flash[: len(image.data)] == image.data


def test_verification_can_be_left_out():
    plan = flash_plan(image_of(bytes(64)), verify=False)
    assert not plan.is_verified
    assert not any(isinstance(step, Verify) for step in plan.steps)


def test_what_is_blank_is_not_written():
    steps = flash_plan(image_of(b"\xff" * 3 * PAGE_BYTES + bytes(16))).steps
    assert [step.addr for step in steps if isinstance(step, WriteLines)] == [
        FLASH_ADDR + 3 * PAGE_BYTES,
        FLASH_ADDR,
    ]


def test_content_is_filled_to_a_line():
    image = image_of(b"abc")
    assert image.data == VECTORS + b"abc" + b"\xff" * 13
    assert image.page_addrs == (FLASH_ADDR,)


# fmt: off
REFUSED = (
    # content                                                     error          message
    (b"",                                                         InputError,    "not whole lines"),
    (struct.pack("<IIII", 0x1000, FLASH_ADDR + 1, 0, 0),     InputError,    "not in RAM"),
    (struct.pack("<IIII", 0x2002_0000, FLASH_ADDR, 0, 0),    InputError,    "reset vector"),
    (struct.pack("<IIII", 0x2002_0000, 0x1000_0101, 0, 0),        InputError,    "reset vector"),
    (b"\xff" * 16,                                                InputError,    "0xffffffff"),
    (VECTORS + bytes(FLASH_BYTES),                                CapacityError, "524304 of 5242"),
)
# fmt: on


@pytest.mark.parametrize(("content", "error", "message"), REFUSED)
def test_images_that_cannot_start_are_refused(content, error, message):
    with pytest.raises(error, match=message):
        flash_image(content, "test")


def test_an_image_is_whole_lines():
    with pytest.raises(InputError, match="17 bytes are not whole lines"):
        FlashImage(VECTORS + b"a")
