"""`compile_commands.json`: how each C file of a firmware is compiled, for editors and clangd."""

import json
from collections.abc import Sequence
from pathlib import Path

from max78000.files import write_whole
from max78000.firmware.objects import arguments_of
from max78000.firmware.sources import TranslationUnit
from max78000.firmware.toolchain import Toolchain

FILE = "compile_commands.json"


def write_compile_commands(
    folder: Path, units: Sequence[TranslationUnit], toolchain: Toolchain
) -> None:
    """Write the file, unless it is there as it would be; raises as `write_whole`.

    Args:
        folder: where it goes: the project's folder of builds.
        units: C files.
        toolchain: the compiler.
    """
    entries = [
        {
            "directory": str(unit.source.parent.resolve()),
            "file": unit.source.name,
            "arguments": [*toolchain.command, *toolchain.core, *arguments_of(unit, toolchain)],
        }
        for unit in units
    ]
    content = f"{json.dumps(entries, indent=1)}\n".encode()
    path = folder / FILE
    if not path.is_file() or path.read_bytes() != content:
        write_whole(path, content)
