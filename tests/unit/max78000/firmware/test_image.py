"""What an ELF file says: layout, symbols, sizes; HEX and BIN; what fits and what does not."""

import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from firmware_projects import HELLO, TOOLCHAINS, ZIG, write_c_project
from intelhex import IntelHex

from max78000.errors import CapacityError, InputError
from max78000.facts.memory_map import (
    FLASH_ADDR,
    FLASH_BYTES,
    LINE_BYTES,
    PAGE_BYTES,
    RAM_ADDR,
    RAM_BYTES,
)
from max78000.firmware.build import build_project
from max78000.firmware.image import (
    MIN_GUARD_BYTES,
    MIN_STACK_BYTES,
    Image,
    Section,
    Segment,
    Symbol,
    check_budget,
    read_image,
)
from max78000.firmware.sources import LINKER_SCRIPT
from max78000.firmware.stub.algorithm import ALGORITHM

N_VECTORS = 120
THUMB = 1


@pytest.fixture(scope="module", params=TOOLCHAINS)
def image(request, tmp_path_factory):
    folder = write_c_project(tmp_path_factory.mktemp("image") / "hello", main=HELLO)
    return build_project(folder, request.param)


def made_up(flash_bytes, ram_bytes):
    """An image of these sizes."""
    return Image(
        elf=Path("net.elf"),
        entry=FLASH_ADDR,
        sections=(Section(".bss", RAM_ADDR, ram_bytes),),
        symbols=(
            Symbol("kernels", FLASH_ADDR, flash_bytes - 1, False, True),
            Symbol("ml_data", RAM_ADDR, ram_bytes, False, False),
        ),
        segments=(Segment(FLASH_ADDR, bytes(flash_bytes)),),
    )


def test_vectors_are_first_and_aligned(image):
    vectors = image.symbol("flash_vectors")
    assert vectors.addr == FLASH_ADDR
    assert vectors.addr % 512 == 0
    assert vectors.size_bytes == 4 * N_VECTORS


def test_reset_goes_to_the_entry_and_every_vector_to_a_handler(image):
    stack, *handlers = struct.unpack(f"<{N_VECTORS}I", image.flash_content()[: 4 * N_VECTORS])
    assert stack == RAM_ADDR + RAM_BYTES
    assert handlers[0] == image.entry | THUMB == image.symbol("reset_handler").addr | THUMB
    names = {image.symbol_at(addr & ~THUMB).name for addr in handlers[1:]}
    assert names == {"no_fault_handler", "no_handler", "unexpected_handler"}
    assert all(addr & THUMB for addr in handlers)


@pytest.mark.long
def test_the_vector_table_in_ram_is_aligned_too(image, tmp_path):
    text = """
    #include "mxc.h"
    static void handler(void) {}
    int main(void) { MXC_NVIC_SetVector(CNN_IRQn, handler); return 0; }
    """
    built = build_project(write_c_project(tmp_path / "irq", main=text), ZIG)
    assert built.symbol("ram_vectors").addr % 512 == 0
    assert image.symbol("ram_vectors") is None  # not linked when nobody asks for it


def test_symbols_have_addresses_and_sizes(image):
    table = image.symbol("table")
    assert (table.size_bytes, table.is_function) == (400, False)
    assert image.symbol("counts").size_bytes == 200
    assert image.symbol("counts").addr >= RAM_ADDR
    assert image.symbol("main").is_function
    assert image.symbol("main").addr % 2 == 0
    assert image.symbol("nothing") is None


def test_an_address_is_found_in_its_symbol(image):
    table = image.symbol("table")
    assert image.symbol_at(table.addr + 399) == table
    assert image.symbol_at(table.addr + 400) != table
    assert image.symbol_at(0) is None


def test_the_largest_come_first(image):
    assert image.largest(1, in_ram=True) == (image.symbol("counts"),)
    sizes = [symbol.size_bytes for symbol in image.largest(10)]
    assert sizes == sorted(sizes, reverse=True)
    assert image.symbol("table") in image.largest(10)


def test_sizes_add_up(image):
    sections = {section.name: section for section in image.sections}
    assert image.ram_bytes == sections[".data"].size_bytes + sections[".bss"].size_bytes
    in_flash = (".vectors", ".board_mark", ".text", ".rodata", ".data")
    total = sum(sections[name].size_bytes for name in in_flash)
    assert total <= image.flash_bytes < total + 4 * len(in_flash)


def test_the_guard_takes_room_below_the_stack_with_either_compiler(image):
    assert image.stack_bytes == MIN_STACK_BYTES + MIN_GUARD_BYTES
    assert image.ram_available_bytes == RAM_BYTES - 5 * 1024 == 125_952


def test_starting_values_of_variables_are_in_flash(image):
    clock = image.symbol("SystemCoreClock")
    data = next(section for section in image.sections if section.name == ".data")
    start = len(image.flash_content()) - data.size_bytes + clock.addr - data.addr
    assert struct.unpack_from("<I", image.flash_content(), start) == (60_000_000,)


def test_hex_and_bin_hold_the_same(image):
    content = IntelHex(str(image.hex))
    assert image.bin.read_bytes() == image.flash_content()
    assert bytes(content.tobinarray(start=FLASH_ADDR)) == image.flash_content()


def test_gaps_in_flash_read_erased():
    parts = (Segment(FLASH_ADDR, b"ab"), Segment(FLASH_ADDR + 4, b"c"))
    assert replace(made_up(1, 1), segments=parts).flash_content() == b"ab\xff\xffc"


def test_what_fits_exactly_is_accepted():
    check_budget(made_up(FLASH_BYTES, RAM_BYTES - MIN_STACK_BYTES))


def test_a_byte_too_much_is_refused_with_the_numbers():
    with pytest.raises(
        CapacityError, match=r"524,289 of 524,288 bytes of flash; .*kernels 524,288"
    ):
        check_budget(made_up(FLASH_BYTES + 1, 0))
    with pytest.raises(CapacityError, match=r"126,977 of 126,976 bytes of RAM .*ml_data 126,977"):
        check_budget(made_up(1, RAM_BYTES - MIN_STACK_BYTES + 1))


def test_the_linker_script_has_the_same_numbers():
    text = LINKER_SCRIPT.read_text()
    assert f"ORIGIN = {FLASH_ADDR:#x}, LENGTH = {FLASH_BYTES // 1024}K" in text
    assert f"ORIGIN = {RAM_ADDR:#x}, LENGTH = {RAM_BYTES // 1024}K" in text
    assert re.search(rf"stack_min_bytes = {MIN_STACK_BYTES // 1024}K;", text)
    assert re.search(rf"guard_min_bytes = {MIN_GUARD_BYTES // 1024}K;", text)


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        ("bsp/include/mxc_device.h", "MXC_FLASH_MEM_BASE", FLASH_ADDR),
        ("bsp/include/mxc_device.h", "MXC_FLASH_MEM_SIZE", FLASH_BYTES),
        ("bsp/include/mxc_device.h", "MXC_FLASH_PAGE_SIZE", PAGE_BYTES),
        ("bsp/include/mxc_device.h", "MXC_SRAM_MEM_BASE", RAM_ADDR),
        ("bsp/include/mxc_device.h", "MXC_SRAM_MEM_SIZE", RAM_BYTES),
        ("stub/flash_algorithm.c", "FLASH_START", FLASH_ADDR),
        ("stub/flash_algorithm.c", "PAGE_BYTES", PAGE_BYTES),
        ("stub/flash_algorithm.c", "LINE_BYTES", LINE_BYTES),
    ],
)
def test_the_c_sources_have_the_same_numbers(source, name, value):
    text = (LINKER_SCRIPT.parents[1] / source).read_text()
    (found,) = re.findall(rf"#define {name}\s+(\w+?)u\n", text)
    assert int(found, 0) == value


def test_the_flash_algorithm_is_loaded_to_the_start_of_ram():
    assert ALGORITHM.load_addr == RAM_ADDR


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"not an ELF file at all" * 9])
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "net.elf"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"net\.elf: is damaged, or no ELF file"):
        read_image(path)


def test_an_object_file_is_refused(image):
    part = next(iter(image.elf.parent.glob("objects-*/*.o")))
    with pytest.raises(InputError, match="not a linked program for Arm"):
        read_image(part)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_image(tmp_path / "net.elf")


@pytest.mark.parametrize("cut", [52, 400, 5000, -200])
def test_a_cut_file_is_refused(image, tmp_path, cut):
    path = tmp_path / "net.elf"
    path.write_bytes(image.elf.read_bytes()[:cut])
    with pytest.raises(InputError):
        read_image(path)
