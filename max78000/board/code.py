"""Program files for the board: bytes by address, and the names of functions. Executes nothing."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from max78000.errors import InputError
from max78000.program.elf_file import read_elf_file

FARTHEST_BYTES = 0x10000  # from the start of a function; farther away the name says nothing


@dataclass(frozen=True, slots=True)
class Symbols:
    """Functions in the order of their addresses."""

    addrs: Sequence[int] = ()
    names: Sequence[str] = ()

    def describe(self, addr: int) -> str:
        """An address as `in function+0x12`; empty if nothing is known about it."""
        index = bisect_right(self.addrs, addr) - 1
        if index < 0 or addr - self.addrs[index] > FARTHEST_BYTES:
            return ""
        offset = addr - self.addrs[index]
        return f"in {self.names[index]}+{offset:#x}"


@dataclass(frozen=True, slots=True)
class Code:
    """What goes into memory, (address, bytes) each, and what its parts are called."""

    segments: tuple[tuple[int, bytes], ...]
    symbols: Symbols


def read_elf(path: Path) -> Code:
    """Read the loadable parts and the functions of an ELF file.

    Raises:
        InputError: it cannot be read, is no ELF file, or nothing of it is to be loaded.
        UnsupportedError: pyelftools is not installed.
    """
    try:
        code = read_elf_file(path, _code, 'pip install "max78000-toolchain[board]"')
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from None
    if not code.segments:
        raise InputError(
            "holds nothing to load", where=str(path), fix="link it with the package's script"
        )
    return code


def _code(elf: Any) -> Code:
    segments = (
        (segment["p_paddr"], segment.data())
        for segment in elf.iter_segments("PT_LOAD")
        if segment["p_filesz"]
    )
    return Code(tuple(segments), _functions(elf))


def _functions(elf: Any) -> Symbols:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return Symbols()
    found = sorted(
        {
            (symbol["st_value"] & ~1, symbol.name)
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol.name
        }
    )
    return Symbols(tuple(addr for addr, _ in found), tuple(name for _, name in found))
