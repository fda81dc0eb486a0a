"""A firmware file as facts: what is where, how large, whether it fits; and its HEX and BIN forms.

Reads ELF files of any origin. Compiles nothing, flashes nothing.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from max78000.errors import CapacityError, InputError, UnsupportedError
from max78000.facts.memory_map import FLASH_ADDR, FLASH_BYTES, RAM_ADDR, RAM_BYTES
from max78000.files import write_whole
from max78000.program.elf_file import Read, read_elf_file

MIN_STACK_BYTES = 4 * 1024
MIN_GUARD_BYTES = 1024  # below the stack, where the program has a guard
STACK_LIMIT = "stack_limit"  # variable of programs with a guard: lowest address of the stack
RISCV_SECTION = ".riscv_image"  # of the Arm core's program: the other core's, as bytes
ERASED = b"\xff"  # what flash holds where nothing was written

_SHF_ALLOC = 2  # ELF: the section takes memory
_EM_ARM = 40
_THUMB_BIT = 1  # set in addresses of functions
_N_NAMED = 4  # arrays that a refusal names


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the program in memory. Variables with values are in RAM and copied from flash."""

    name: str
    addr: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function or an array or variable; one with a starting value takes flash and RAM."""

    name: str
    addr: int
    size_bytes: int
    is_function: bool
    takes_flash: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes to write, and where."""

    addr: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """A linked firmware.

    Attributes:
        elf: the file it was read from; `hex` and `bin` stand beside it once written.
        entry: address of the first instruction after reset.
        sections: those that take memory, by address.
        symbols: functions, arrays and variables, by address; names of static ones can repeat.
        segments: what goes into flash, by address.
    """

    elf: Path
    entry: int
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    segments: tuple[Segment, ...]

    @property
    def hex(self) -> Path:
        """The same in Intel's hexadecimal format."""
        return self.elf.with_suffix(".hex")

    @property
    def bin(self) -> Path:
        """The same as bytes from the start of flash."""
        return self.elf.with_suffix(".bin")

    @property
    def flash_bytes(self) -> int:
        """Flash taken: code, constants, and the values that variables start with."""
        return sum(len(segment.content) for segment in self.segments)

    @property
    def ram_bytes(self) -> int:
        """RAM taken by variables, without the stack."""
        return sum(section.size_bytes for section in self.sections if _is_in_ram(section.addr))

    @property
    def stack_bytes(self) -> int:
        """RAM kept for the stack at least, and for the guard below it where there is one."""
        return MIN_STACK_BYTES + (MIN_GUARD_BYTES if self.symbol(STACK_LIMIT) else 0)

    @property
    def ram_available_bytes(self) -> int:
        """RAM that there is for variables."""
        return RAM_BYTES - self.stack_bytes

    @property
    def is_pair(self) -> bool:
        """Whether a program for the RISC-V core is in it."""
        return any(section.name == RISCV_SECTION for section in self.sections)

    def symbol(self, name: str) -> Symbol | None:
        """Return the first symbol of that name."""
        return next((symbol for symbol in self.symbols if symbol.name == name), None)

    def symbol_at(self, addr: int) -> Symbol | None:
        """Return the function, array or variable that an address lies in."""
        inside = (s for s in self.symbols if s.addr <= addr < s.addr + s.size_bytes)
        return next(inside, None)

    def largest(self, count: int, *, in_ram: bool = False) -> tuple[Symbol, ...]:
        """Return what takes most flash, or most RAM."""
        there = (s for s in self.symbols if (_is_in_ram(s.addr) if in_ram else s.takes_flash))
        return tuple(sorted(there, key=lambda s: (-s.size_bytes, s.addr))[:count])

    def flash_content(self) -> bytes:
        """Return the flash from its start to the last byte of the image."""
        end = max((s.addr + len(s.content) for s in self.segments), default=FLASH_ADDR)
        content = bytearray(ERASED * (end - FLASH_ADDR))
        for segment in self.segments:
            start = segment.addr - FLASH_ADDR
            content[start : start + len(segment.content)] = segment.content
        return bytes(content)


def read_image(path: Path) -> Image:
    """Read the facts of an ELF file.

    Raises:
        InputError: it cannot be read, is no ELF file for Arm, or has content outside the flash.
        UnsupportedError: pyelftools is not installed.
    """
    return _read(path, partial(_image, path))


def _read(path: Path, read: Callable[[Any], Read]) -> Read:
    """Open an ELF file, and read it by a function; raises as `read_image`."""
    try:
        return read_elf_file(path, read, "pip install 'max78000-toolchain[firmware]'")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValueError as error:
        raise InputError(f"is damaged, or no ELF file: {error}", where=str(path)) from None


def value_of(path: Path, name: str) -> int:
    """Return the value of a symbol of an ELF file, whatever its type; raises as `read_image`.

    Raises:
        InputError: there is none.
    """
    value = _read(path, partial(_value, name))
    if value is None:
        raise InputError(f"has no symbol {name}", where=str(path))
    return value


def _value(name: str, elf: Any) -> int | None:
    table = elf.get_section_by_name(".symtab")
    symbols = table.iter_symbols() if table is not None else ()
    return next((int(one["st_value"]) for one in symbols if one.name == name), None)


def flash_bytes_of(path: Path, first: int) -> bytes:
    """Return what an ELF file of any core puts into flash from an address on; raises as
    `read_image`.
    """
    content = bytearray()
    for segment in _read(path, _segments):
        start = max(segment.addr, first)
        loaded = segment.content[start - segment.addr :]  # the file's own headers may come first
        content.extend(ERASED * (start - first - len(content)))
        content[start - first :] = loaded
    return bytes(content)


def check_budget(image: Image, fixes: str = "") -> None:
    """Refuse what the chip has no room for.

    Raises:
        CapacityError: with the number needed, what there is, and the largest arrays.
    """
    ram = f"RAM (beside {image.stack_bytes:,} for the stack)"
    for memory, needed, available in (
        ("flash", image.flash_bytes, FLASH_BYTES),
        (ram, image.ram_bytes, image.ram_available_bytes),
    ):
        if needed > available:
            largest = image.largest(_N_NAMED, in_ram=memory != "flash")
            names = ", ".join(f"{symbol.name} {symbol.size_bytes:,}" for symbol in largest)
            why = f"needs {needed:,} of {available:,} bytes of {memory}; largest: {names}"
            raise CapacityError(why, where=image.elf.stem, fix=fixes)


def write_hex(image: Image) -> None:
    """Write the image as Intel HEX beside the ELF file.

    Raises:
        UnsupportedError: the package intelhex is not installed.
    """
    try:
        from intelhex import IntelHex  # noqa: PLC0415 - optional package
    except ImportError:
        fix = "pip install 'max78000-toolchain[firmware]'"
        raise UnsupportedError("writing HEX files needs intelhex", fix=fix) from None
    content = IntelHex()
    for segment in image.segments:
        content.puts(segment.addr, segment.content)
    text = io.StringIO()
    content.write_hex_file(text)
    write_whole(image.hex, text.getvalue().encode("ascii"))


def write_bin(image: Image) -> None:
    """Write the flash content beside the ELF file."""
    write_whole(image.bin, image.flash_content())


def _image(path: Path, elf: Any) -> Image:
    if elf["e_machine"] != "EM_ARM" or elf["e_type"] != "ET_EXEC":
        raise InputError("is not a linked program for Arm", where=str(path))
    segments = _segments(elf)
    for segment in segments:
        if not FLASH_ADDR <= segment.addr < RAM_ADDR:
            why = f"has content for 0x{segment.addr:08x}, which is not flash"
            raise InputError(why, where=str(path), fix="link with max78000.ld")
    return Image(path, elf["e_entry"] & ~_THUMB_BIT, _sections(elf), _symbols(elf), segments)


def _segments(elf: Any) -> tuple[Segment, ...]:
    """What is loaded, by address."""
    found = (
        Segment(segment["p_paddr"], segment.data())
        for segment in elf.iter_segments("PT_LOAD")
        if segment["p_filesz"]
    )
    return tuple(sorted(found, key=lambda segment: segment.addr))


def _sections(elf: Any) -> tuple[Section, ...]:
    found = (
        Section(section.name, section["sh_addr"], section["sh_size"])
        for section in elf.iter_sections()
        if section["sh_flags"] & _SHF_ALLOC and section["sh_size"]
    )
    return tuple(sorted(found, key=lambda section: section.addr))


def _symbols(elf: Any) -> tuple[Symbol, ...]:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return ()
    found = []
    for symbol in table.iter_symbols():
        kind = symbol["st_info"]["type"]
        if kind in ("STT_FUNC", "STT_OBJECT") and isinstance(symbol["st_shndx"], int):
            is_function = kind == "STT_FUNC"
            addr = symbol["st_value"] & ~_THUMB_BIT if is_function else symbol["st_value"]
            has_content = elf.get_section(symbol["st_shndx"])["sh_type"] != "SHT_NOBITS"
            one = Symbol(symbol.name, addr, symbol["st_size"], is_function, has_content)
            is_alias = symbol["st_info"]["bind"] == "STB_WEAK"  # what it stands for is named first
            found.append(((is_alias, symbol.name), one))
    return tuple(one for _, one in sorted(found, key=lambda pair: (pair[1].addr, *pair[0])))


def _is_in_ram(addr: int) -> bool:
    return addr >= RAM_ADDR
