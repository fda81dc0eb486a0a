"""ELF files: one way to open them. What is in one is for its readers to know."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from max78000.errors import UnsupportedError
from max78000.files import DAMAGED

_LARGEST_BYTES = 1 << 28  # with everything that a debugger could want
_SYMBOL_BYTES = 16
Read = TypeVar("Read")


def read_elf_file(path: Path, read: Callable[[Any], Read], fix: str) -> Read:
    """Open a file, and read it by a function, which is given pyelftools' `ELFFile`.

    Tables of parts that are longer than the file are refused before anything walks through them.

    Raises:
        OSError: the system cannot read it.
        ValueError: it is no ELF file, or is cut or damaged; says so in one line.
        UnsupportedError: pyelftools is not installed; `fix` is what helps.
    """
    try:
        from elftools.common.exceptions import ELFError  # noqa: PLC0415 - optional package
        from elftools.construct import ConstructError  # noqa: PLC0415 - likewise
        from elftools.elf.elffile import ELFFile  # noqa: PLC0415 - likewise
    except ImportError:
        raise UnsupportedError("ELF files need pyelftools", where=str(path), fix=fix) from None
    size = path.stat().st_size
    if size > _LARGEST_BYTES:
        raise ValueError(f"{size:,} bytes are more than any program's")
    try:
        elf = ELFFile(io.BytesIO(path.read_bytes()))
        _check_sizes(elf, size)
        return read(elf)
    except (ELFError, ConstructError, *DAMAGED) as error:
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from None


def _check_sizes(elf: Any, size: int) -> None:
    """Refuse parts that are not in the file."""
    tables = (("e_phoff", "e_phnum", "e_phentsize"), ("e_shoff", "e_shnum", "e_shentsize"))
    if any(elf[start] + elf[count] * elf[one] > size for start, count, one in tables):
        raise ValueError("its tables end behind the end of the file")
    if sum(segment["p_filesz"] for segment in elf.iter_segments("PT_LOAD")) > size:
        raise ValueError("more is to be loaded than is in the file")
    for index in range(elf.num_sections()):
        # Not as a section: making one looks for its name and what belongs to it.
        header = elf._get_section_header(index)
        if header["sh_type"] != "SHT_NOBITS" and header["sh_offset"] + header["sh_size"] > size:
            raise ValueError(f"section {index} ends behind the end of the file")
        if header["sh_type"] == "SHT_SYMTAB" and header["sh_entsize"] < _SYMBOL_BYTES:
            raise ValueError(f"section {index} has symbols of {header['sh_entsize']} bytes")
