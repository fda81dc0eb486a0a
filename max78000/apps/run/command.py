"""`max78000 run`: inputs to a board, what its network makes of them back.

Imports what it needs when it runs, so that `--help` needs neither Pillow nor an emulator.
"""

# ruff: noqa: PLC0415 - see the sentence above

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import click

from max78000.command import FILE, INPUT_FILE, JSON, RealRange, examples
from max78000.errors import InputError
from max78000.firmware.sources import APP_FILE, app_names
from max78000.firmware.toolchain import CHOICES
from max78000.program.folder import PROGRAM_FILE, require_alone

if TYPE_CHECKING:
    from max78000.apps.run.asked import Asked, AskedBoard
    from max78000.link.serial_line import Line

APP = "serial"
MASKS = "segmentation"  # the task whose answers are pictures
FOLDER = Path("build") / "serial"  # in a network's project: the application that is made for it


@click.command(
    epilog=examples(
        "max78000 run build/digits seven.png --virtual",
        "max78000 run board/words yes.wav --port /dev/ttyACM0",
        "max78000 run build/digits data/test --virtual --json",
        "max78000 run build/pose_tiny holiday.jpg --virtual --out poses/holiday.png",
    )
)
@click.argument("directory", type=FILE)
@click.argument("source", metavar="INPUT", type=INPUT_FILE)
@click.option("--port", help="Serial port or pyserial URL.  [default: the board's, if only one]")
@click.option("--virtual", is_flag=True, help="Build the firmware and run it on a virtual board.")
@click.option(
    "--min-score",
    type=RealRange(0),
    help="Of a pose network: score from which people are shown.  [default: the network's]",
)
@click.option("--layers", is_flag=True, help="Compare every layer with the simulated accelerator.")
@click.option(
    "--out",
    "output",
    type=FILE,
    help="File to write: a drawing (.png) of people or of a mask, or the outputs (.npz).",
)
@click.option(
    "--compiler",
    type=click.Choice(CHOICES),
    default="auto",
    show_default=True,
    help="For --virtual.",
)
@JSON
def run(  # noqa: PLR0913 - the options of a command
    directory: Path,
    source: Path,
    *,
    port: str | None,
    virtual: bool,
    min_score: float | None,
    layers: bool,
    output: Path | None,
    compiler: str,
    as_json: bool,
) -> None:
    """Give a board inputs, and say what its network makes of them.

    DIRECTORY is what `max78000 new --app serial` or `synthesize` wrote; a real board must have been
    given the serial application of this network. INPUT is a picture, a recording (.wav) or an array
    (.npy), prepared as training did; or a folder of them, in which subfolders are named after
    classes: then the answers are counted. With a pose network people are found and drawn.
    """
    if virtual and port is not None:
        raise InputError("--virtual and --port exclude each other", fix="leave one of them out")
    found = None if (directory / APP_FILE).exists() or layers else _application_for(directory)
    if found is not None:
        resolve_name(f"max78000.apps.{found}.run:run")(
            directory, source, port=port, virtual=virtual, output=output, compiler=compiler,
            min_score=min_score, as_json=as_json,
        )  # fmt: skip
        return
    if min_score is not None:
        raise InputError("--min-score is for pose networks", fix="leave it out")
    from max78000.apps.run.asked import AskedBoard, inputs_in
    from max78000.program.network_file import read_network_file

    facts = read_network_file(directory)
    if output is not None:
        if source.is_dir():
            raise InputError("--out is for one input", fix="leave it out, or name a file")
        _check_suffix(output, has_mask=facts.task == MASKS)
    wanted = inputs_in(source, facts.classes)
    line = _virtual_line(directory, compiler) if virtual else _serial_line(port)
    with closing(line.port):
        session = AskedBoard(directory, line)
        if layers:
            status = _compare(session, source)
        else:
            status = _report(session, wanted, output, as_json=as_json)
    click.get_current_context().exit(status)


def _application_for(directory: Path) -> str | None:
    """An application of the toolchain that has answers of its own for a network."""
    require_alone(directory)
    if not (directory / PROGRAM_FILE).is_file():
        fix = "name a folder that synthesize or max78000 new wrote"
        raise InputError(f"there is no {PROGRAM_FILE}", where=str(directory), fix=fix)
    suited = (app for app in app_names() if resolve_name(_SUITS.format(app))(directory))
    return next(suited, None)


_SUITS = "max78000.apps.{}.project:suits"


def _virtual_line(directory: Path, compiler: str) -> Line:
    """Build the application, in the project's `build` folder if it is none, and start it."""
    from max78000.apps.new.folder import app_of, write_application
    from max78000.board.board import VirtualBoard
    from max78000.firmware.build import build_project
    from max78000.firmware.toolchain import find_toolchain
    from max78000.link.serial_line import virtual_line

    folder = directory
    if not (directory / APP_FILE).exists():
        folder = directory / FOLDER
        write_application(folder, APP, directory, overwrite=True)
    if (app := app_of(folder)) != APP:
        fix = "max78000 simulate DIR, or max78000 new DIR --app serial"
        raise InputError(f"the {app} application takes no inputs", where=str(folder), fix=fix)
    board = VirtualBoard()
    board.load_elf(build_project(folder, find_toolchain(compiler)).elf)
    return virtual_line(board)


def _serial_line(port: str | None) -> Line:
    from max78000.link.serial_line import serial_line

    return serial_line(port)


def _report(
    session: AskedBoard, wanted: list[tuple[Path, str]], output: Path | None, *, as_json: bool
) -> int:
    """Ask about files whose classes may be known, and say what came of it."""
    rows, n_right, n_counted = [], 0, 0
    for path, label in wanted:
        asked = session.ask(path)
        right = asked.shown.label == label
        n_counted, n_right = n_counted + bool(label), n_right + bool(label and right)
        rows.append(asked.to_json() | ({"expected": label} if label else {}))
        if not as_json:
            note = "" if not label or right else f", expected {label}"
            click.echo(f"{path}: {asked.shown.text}{note}")
        if output is not None:
            _write(session, asked, output)
    score = {
        "n": n_counted,
        "n_right": n_right,
        "accuracy": n_right / n_counted if n_counted else None,
    }
    if as_json:
        data: dict[str, Any] = {"network": session.facts.name, "results": rows}
        click.echo(json.dumps(data | ({"score": score} if n_counted else {})))
        return 0
    if n_counted:
        click.echo(f"accuracy {n_right / n_counted:.4f}: {n_right} of {n_counted} right")
    click.echo(f"network {rows[-1]['times']['network_us']} us")
    return 0


def _check_suffix(output: Path, *, has_mask: bool) -> None:
    """Refuse a file that answers cannot be written to."""
    if output.suffix.lower() not in (".npz", *[".png"] * has_mask):
        fix = "name a .png or an .npz file" if has_mask else "name an .npz file"
        raise InputError("answers cannot be written so", where=str(output), fix=fix)


def _write(session: AskedBoard, asked: Asked, output: Path) -> None:
    """A mask as a picture whose levels are classes; or the outputs as arrays."""
    import io

    import numpy as np

    from max78000.files import write_whole

    mask = asked.shown.mask
    _check_suffix(output, has_mask=mask is not None)
    file = io.BytesIO()
    if output.suffix.lower() == ".npz":
        names = (one.name for one in session.program.outputs)
        arrays: dict[str, Any] = dict(zip(names, asked.outputs, strict=True))
        np.savez(file, **arrays)
    elif mask is not None:
        from PIL import Image

        Image.fromarray(mask).save(file, format="PNG")
    write_whole(output, file.getvalue())


def _compare(session: AskedBoard, source: Path) -> int:
    """Compare layer by layer; 1 if one differs."""
    n_differing = 0
    for title, differs in session.differing_layers(source):
        click.echo(f"{title}: {'differs' if differs else 'equal'}")
        n_differing += differs
    return 1 if n_differing else 0
