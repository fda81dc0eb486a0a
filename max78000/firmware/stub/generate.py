"""Compile flash_algorithm.c and write words.py: `python -m max78000.firmware.stub.generate`.

For whoever changes the C; nothing else runs it. It needs arm-none-eabi-gcc and pyelftools.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from max78000.errors import InputError

FOLDER = Path(__file__).resolve().parent
WORDS_FILE = FOLDER / "words.py"
COMPILER = "arm-none-eabi-gcc"
FUNCTIONS = ("Init", "UnInit", "EraseSector", "EraseChip", "ProgramPage")
FLAGS = (
    *("-mcpu=cortex-m4", "-mthumb", "-Os", "-std=c11", "-ffreestanding", "-nostdlib"),
    *("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"),
    *("-Wl,--build-id=none", "-T", "flash_algorithm.ld"),
)
WORDS_PER_LINE = 8


@dataclass(frozen=True, slots=True)
class CompiledAlgorithm:
    """What the compiler made: code from the load address on, and where the functions start."""

    compiler: str
    load_addr: int
    entries: tuple[tuple[str, int], ...]
    code: bytes


def compile_algorithm() -> CompiledAlgorithm:
    """Compile the C in this folder.

    Raises:
        InputError: there is no compiler, or it does not accept the source.
    """
    with tempfile.TemporaryDirectory() as scratch:
        elf = Path(scratch) / "flash_algorithm.elf"
        _run(COMPILER, *FLAGS, "flash_algorithm.c", "-o", str(elf))
        entries, load_addr, code = _read(elf)
    version = _run(COMPILER, "--version").splitlines()[0]
    return CompiledAlgorithm(version, load_addr, entries, code)


def words_text(compiled: CompiledAlgorithm) -> str:
    """Write the compiled algorithm as the Python file that is shipped."""
    return "\n".join(_lines(compiled)) + "\n"


def write_words(path: Path = WORDS_FILE) -> None:
    """Compile, and replace words.py."""
    text = words_text(compile_algorithm())
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise InputError(f"{command[0]} is not installed", where=str(FOLDER)) from None
    except subprocess.CalledProcessError as error:
        raise InputError(f"{command[0]} refuses:\n{error.stderr}", where=str(FOLDER)) from None
    return done.stdout


def _read(elf: Path) -> tuple[tuple[tuple[str, int], ...], int, bytes]:
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  only this script needs it

    with elf.open("rb") as file:
        image: Any = ELFFile(file)
        text = image.get_section_by_name(".text")
        symbols = image.get_section_by_name(".symtab").iter_symbols()
        addrs = {symbol.name: symbol["st_value"] & ~1 for symbol in symbols}
        code = bytes(text.data())
        load_addr = int(text["sh_addr"])
    padded = code + bytes(-len(code) % 4)
    return tuple((name, int(addrs[name])) for name in FUNCTIONS), load_addr, padded


def _lines(compiled: CompiledAlgorithm) -> Iterator[str]:
    yield '"""The flash algorithm as machine words. Written by generate.py; do not edit."""'
    yield from ("", "from collections.abc import Mapping", "from types import MappingProxyType", "")
    yield f'COMPILER = "{compiled.compiler}"'
    yield f"LOAD_ADDR = 0x{compiled.load_addr:08X}"
    yield "ENTRIES: Mapping[str, int] = MappingProxyType("
    yield "    {"
    yield from (f'        "{name}": 0x{addr:08X},' for name, addr in compiled.entries)
    yield from ("    }", ")", "# fmt: off", "WORDS = (")
    code = compiled.code
    words = [int.from_bytes(code[at : at + 4], "little") for at in range(0, len(code), 4)]
    for at in range(0, len(words), WORDS_PER_LINE):
        yield "    " + " ".join(f"0x{word:08X}," for word in words[at : at + WORDS_PER_LINE])
    yield from (")", "# fmt: on")


if __name__ == "__main__":
    write_words()
