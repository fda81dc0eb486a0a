"""`max78000 flash`: bring a built firmware onto the board, and show that it arrived."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from max78000.command import JSON, RealRange, examples
from max78000.errors import BoardError, InputError
from max78000.firmware.board_mark import marked_board
from max78000.firmware.build import FOLDER
from max78000.firmware.image import read_image
from max78000.firmware.sources import BOARDS
from max78000.firmware.stamp import changed_since, file_hash, read_stamp
from max78000.link.console import read_lines
from max78000.link.flash import FlashReport, flash
from max78000.link.flash_plan import FlashImage, flash_image
from max78000.link.probe import Progress, no_progress
from max78000.link.probe_choice import PROBES, choose_probe
from max78000.link.serial_ports import CONSOLE_BAUD, find_console, list_ports, open_port

N_NAMED = 4  # changed files in a message


@click.command(
    "flash",
    epilog=examples(
        "max78000 flash build/mnist",
        "max78000 flash build/mnist --console --seconds 20",
        "max78000 flash build/mnist --probe openocd --uid 0409000012345678",
    ),
)
@click.argument("directory", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--probe",
    type=click.Choice(PROBES),
    default="pyocd",
    show_default=True,
    help="The way to the chip; daplink copies to the adapter's drive and cannot verify.",
)
@click.option("--uid", help="Id of the debug adapter, or its beginning.  [default: the only one]")
@click.option(
    "--board",
    type=click.Choice(tuple(BOARDS)),
    help="The board that is connected: firmware built for another is refused.",
)
@click.option("--verify/--no-verify", default=True, show_default=True, help="Read back, compare.")
@click.option("--console", is_flag=True, help="Then print what the board says.")
@click.option("--port", help="Serial port of the console.  [default: the board's, if only one]")
@click.option(
    "--seconds",
    type=RealRange(min=0),
    default=10,
    show_default=True,
    help="How long to listen to the console.",
)
@JSON
def flash_command(
    directory: Path,
    *,
    probe: str,
    uid: str | None,
    board: str | None,
    verify: bool,
    console: bool,
    port: str | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Write firmware to the board, compare it, and start it.

    DIRECTORY is what `max78000 build` has compiled, or an ELF file. A project whose C files have
    changed since is refused; keep ELF files of older ones elsewhere. If writing is interrupted,
    flash again: pyocd and openocd leave no half-written image that starts. Exit status 5 if there
    is no probe or the board refuses.
    """
    elf = _current_elf(directory)
    image = _read(elf)
    if board is not None:
        _check_board(elf, image, board)
    way = choose_probe(probe, uid)
    with _console_lines(port, seconds, is_wanted=console) as lines:
        report = flash(image, way, verify=verify, on_progress=_progress())
        if as_json:
            said = {"console": list(lines)} if console else {}
            click.echo(json.dumps(asdict(report) | said))
            return
        _print_report(report, is_verify_wanted=verify)
        for line in lines:
            click.echo(line)


def _current_elf(place: Path) -> Path:
    """Return the ELF file of a project, or the file that was named, if it is of today.

    Raises:
        InputError: there is none, there are several, or it lies in a project and was built from
            other C files.
    """
    elf = place if place.is_file() else _find_elf(place)
    folder = elf.resolve().parent
    if folder.name != FOLDER:
        return elf
    place = elf.parent.parent if elf.parent.name == FOLDER else folder.parent
    changed = changed_since(elf, place)
    if changed:
        names = ", ".join(changed[:N_NAMED]) + (", ..." if len(changed) > N_NAMED else "")
        stamp = read_stamp(elf)
        app = f" --app {stamp.app}" if stamp is not None and stamp.app else ""
        raise InputError(
            f"is not built from what is in {place}: other {names}",
            where=str(elf),
            fix=f"max78000 build {place}{app}",
        )
    return elf


def _check_board(elf: Path, image: FlashImage, board: str) -> None:
    """Refuse firmware for another board than the connected: its mark says so, else its stamp."""
    stamp = read_stamp(elf)
    stamped = stamp.board if stamp is not None and stamp.elf == file_hash(elf) else ""
    found = marked_board(image.data) or stamped
    if not found:
        click.echo(f"note: {elf.name} does not say which board it is for", err=True)
    if found in ("", board):
        return
    why = f"is built for {found}, the board is {board}"
    raise InputError(why, where=str(elf), fix=f"max78000 build DIRECTORY --board {board}")


def _find_elf(place: Path) -> Path:
    """Return the ELF file of a project.

    The project's own program goes before applications that were built with it.

    Raises:
        InputError: there is none, or several.
    """
    found = sorted((place / FOLDER).glob("*.elf"))
    own = place / FOLDER / f"{place.resolve().name}.elf"
    if own in found:
        return own
    if not found:
        raise InputError("nothing is built there", where=str(place), fix=f"max78000 build {place}")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        fix = f"name one: max78000 flash {found[0]}"
        raise InputError(
            f"{len(found)} programs are there: {names}", where=str(place / FOLDER), fix=fix
        )
    return found[0]


def _read(elf: Path) -> FlashImage:
    return flash_image(read_image(elf).flash_content(), elf.name)


def _progress() -> Progress:
    """Show steps on a terminal, nothing when piped."""
    return _show_step if sys.stderr.isatty() else no_progress


def _show_step(n_done: int, n_all: int, what: str) -> None:
    is_last = n_done == n_all
    click.echo(f"\r\x1b[K[{n_done}/{n_all}] {what}", err=True, nl=is_last)


def _print_report(report: FlashReport, *, is_verify_wanted: bool) -> None:
    how = "verified" if report.is_verified else "not verified"
    pages = "1 page" if report.n_pages == 1 else f"{report.n_pages} pages"
    size = f"{report.n_bytes:,} bytes in {pages}"
    click.echo(f"{report.image}: {size}, {how}, {report.duration_s:.1f} s")
    if is_verify_wanted and not report.is_verified:
        click.echo(f"note: {report.probe} cannot read the flash back", err=True)


@contextmanager
def _console_lines(port: str | None, seconds: float, *, is_wanted: bool) -> Iterator[Iterator[str]]:
    """Open the console before the firmware starts, so that its first line is not lost."""
    if not is_wanted:
        yield iter(())
        return
    try:
        device = port or find_console(list_ports())
    except BoardError as error:  # to be said once the board is programmed, if there is one
        yield _refusing(error)
        return
    line = open_port(device, CONSOLE_BAUD)
    try:
        yield read_lines(line, seconds, device)
    finally:
        line.close()


def _refusing(error: BoardError) -> Iterator[str]:
    """Lines of a console that is not there: the error in place of the first."""
    yield from ()
    raise error
