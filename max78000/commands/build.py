"""`max78000 build`: compile a project to firmware and say how large it is."""

import json
import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import click

from max78000.command import JSON, examples
from max78000.commands.options import BOARD, COMPILER
from max78000.errors import InputError
from max78000.facts.memory_map import FLASH_BYTES
from max78000.firmware.image import Image
from max78000.firmware.library import Library, build_library
from max78000.firmware.pair import build_firmware
from max78000.firmware.sources import app_names
from max78000.firmware.toolchain import Toolchain, find_toolchain
from max78000.program.folder import PROGRAM_FILE, require_alone

N_LARGEST = 8


@click.command(
    epilog=examples(
        "max78000 build build/mnist",
        "max78000 build build/mnist --compiler zig",
        "max78000 build vendor/mnist --sdk ~/MaximSDK",
        "max78000 build build/mnist --library",
    )
)
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@COMPILER
@BOARD
@click.option(
    "--app",
    type=click.Choice(app_names()),
    help="Use this application of the toolchain in place of the project's main.c.",
)
@click.option(
    "--sdk",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Compile with the vendor's SDK in this folder in place of our package; repeat it to take"
    " what the first lacks from the next.",
)
@click.option(
    "--library",
    is_flag=True,
    help="Make libcnn.a of all but main(), for a program of yours to link.",
)
@JSON
def build(
    directory: Path,
    *,
    compiler: str,
    board: str,
    app: str | None,
    sdk: tuple[Path, ...],
    library: bool,
    as_json: bool,
) -> None:
    """Compile a C project to firmware.

    DIRECTORY is what `synthesize` or the vendor's generator wrote, or any folder of C files with a
    main function that includes mxc.h; SRCS, VPATH, IPATH and PROJ_CFLAGS of a makefile in it count.
    The ELF, HEX and BIN files go to DIRECTORY/build. What is up to date is not compiled again.
    """
    if app and library:
        raise InputError("--app and --library exclude each other", fix="leave one of them out")
    toolchain = find_toolchain(compiler)
    if library:
        made = build_library(directory, toolchain, board, _watch, sdk)
        _print_library(made, as_json=as_json)
        return
    if app:
        require_alone(directory)
    if app and (directory / PROGRAM_FILE).exists():  # without one, the compiler finds it out
        resolve_name(f"max78000.apps.{app}.project:check_project")(directory)
    image = build_firmware(directory, toolchain, board, app or "", _watch, sdk)
    if as_json:
        click.echo(json.dumps(_report(image, toolchain, board)))
    else:
        _print_sizes(image, toolchain, board)


def _print_library(library: Library, *, as_json: bool) -> None:
    files = {"library": str(library.archive), "header": str(library.header)}
    click.echo(json.dumps(files) if as_json else "\n".join(files.values()))


def _watch(text: str, *, is_warning: bool) -> None:
    if is_warning or sys.stderr.isatty():
        click.echo(text, err=True)


def _report(image: Image, toolchain: Toolchain, board: str) -> dict[str, Any]:
    return {
        "elf": str(image.elf),
        "hex": str(image.hex),
        "bin": str(image.bin),
        "compiler": toolchain.name,
        "compiler_version": toolchain.version,
        "board": board,
        "flash_bytes": image.flash_bytes,
        "flash_available_bytes": FLASH_BYTES,
        "ram_bytes": image.ram_bytes,
        "ram_available_bytes": image.ram_available_bytes,
        "sections": {section.name: section.size_bytes for section in image.sections},
        "largest": {symbol.name: symbol.size_bytes for symbol in image.largest(N_LARGEST)},
    }


def _print_sizes(image: Image, toolchain: Toolchain, board: str) -> None:
    for path in (image.elf, image.hex, image.bin):
        click.echo(path)
    click.echo(f"compiled by {toolchain} for {board}")
    _print_budget("flash", image.flash_bytes, FLASH_BYTES)
    _print_budget("RAM", image.ram_bytes, image.ram_available_bytes)
    click.echo("sections:")
    for section in image.sections:
        click.echo(f"  {section.name:30}{section.size_bytes:>10,}  at 0x{section.addr:08x}")
    click.echo("largest in flash:")
    for symbol in image.largest(N_LARGEST):
        click.echo(f"  {symbol.name:30}{symbol.size_bytes:>10,}")


def _print_budget(memory: str, used: int, available: int) -> None:
    share = 100 * used / available
    click.echo(f"{memory:6}{used:>10,} of {available:>8,} bytes ({share:.1f} %)")
