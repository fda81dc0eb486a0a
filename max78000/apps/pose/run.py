"""`max78000 run`: a picture to the board, people back, their skeletons drawn.

Imports what it needs when it runs, so that `--help` needs neither Pillow nor an emulator.
"""

# ruff: noqa: PLC0415 - see the sentence above

from __future__ import annotations

import importlib.util
import json
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from max78000.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from max78000.apps.pose.client import PoseReply
    from max78000.apps.pose.person import Person
    from max78000.link.serial_line import Line

APP = "pose"


def run(
    directory: Path,
    picture: Path,
    *,
    port: str | None,
    virtual: bool,
    output: Path | None,
    compiler: str,
    min_score: float | None,
    as_json: bool,
) -> None:
    """Find the people in a picture on a board, and draw them.

    A real board must have been given the pose application of the project: `max78000 build DIR --app
    pose`, then `max78000 flash`.

    Args:
        directory: a pose network's project, written by `synthesize`.
        picture: in any format that Pillow reads.
        port: of the board, where it is not the only one.
        virtual: build the firmware and run it on a virtual board.
        output: drawing to write; NAME-pose.png in the current folder if None.
        compiler: a name in `toolchain.CHOICES`, for the virtual board.
        min_score: from which people are shown; None: as the network says.
        as_json: print JSON.

    Raises:
        ToolError: no such picture, project or board, or the drawing cannot be written.
    """
    _check_pillow()
    from max78000.apps.pose.letterbox import letterbox
    from max78000.apps.pose.picture import read_picture
    from max78000.apps.pose.shown import project_shown_score, shown

    least = project_shown_score(directory) if min_score is None else min_score
    drawing = _drawing_path(picture, output)
    photograph = read_picture(picture)
    image, box = letterbox(photograph)
    line = _virtual_line(directory, compiler) if virtual else _serial_line(port)
    with closing(line.port):
        reply = _ask(line, image)
    people = [person.in_source(box) for person in shown(reply.people, least)]
    _draw(photograph, people, drawing)
    if as_json:
        facts = {"file": str(picture), "drawing": str(drawing), "width": photograph.width}
        click.echo(json.dumps(facts | {"height": photograph.height} | _report(people, reply, line)))
    else:
        _print_report(f"{picture}: {len(people)} people, {drawing}", reply, is_virtual=virtual)


def _check_pillow() -> None:
    if importlib.util.find_spec("PIL") is None:
        fix = 'pip install "max78000-toolchain[link]"'
        raise UnsupportedError("pictures need the package pillow", fix=fix)


def _drawing_path(picture: Path, output: Path | None) -> Path:
    drawing = output or Path(f"{picture.stem}-pose.png")
    if drawing.suffix.lower() != ".png" or drawing.is_dir():
        raise InputError("is no .png file", where=str(drawing), fix="name one, or leave --out out")
    if drawing.resolve() == picture.resolve():
        raise InputError(
            "is the picture itself", where=str(drawing), fix="choose another file for --out"
        )
    if not drawing.parent.is_dir():
        raise InputError("there is no such folder", where=str(drawing.parent), fix="make it first")
    return drawing


def _virtual_line(directory: Path, compiler: str) -> Line:
    from max78000.board.board import VirtualBoard
    from max78000.firmware.build import build_project
    from max78000.firmware.toolchain import find_toolchain
    from max78000.link.serial_line import virtual_line

    image = build_project(directory, find_toolchain(compiler), app=APP)
    board = VirtualBoard()
    board.load_elf(image.elf)
    return virtual_line(board)


def _serial_line(port: str | None) -> Line:
    from max78000.link.serial_line import serial_line

    return serial_line(port)


def _ask(line: Line, image: Any) -> PoseReply:
    """Send the picture, with a progress bar if a person watches; it takes four seconds."""
    from max78000.apps.pose.client import PoseClient

    client = PoseClient(line.port, line.device, line.clock)
    client.hello()
    if not sys.stderr.isatty():
        return client.find_people(image)
    with click.progressbar(length=100, label="sending", file=sys.stderr) as bar:
        return client.find_people(
            image, lambda done, total: bar.update(100 * done // total - bar.pos)
        )


def _draw(picture: Image.Image, people: Sequence[Person], path: Path) -> None:
    from max78000.apps.pose.draw import draw_people
    from max78000.apps.pose.picture import write_picture

    write_picture(draw_people(picture, [person.parts for person in people]), path)


def _report(people: Sequence[Person], reply: PoseReply, line: Line) -> dict[str, Any]:
    return {
        "people": [person.to_json() for person in people],
        "board": line.device,
        "times": asdict(reply.times),
    }


def _print_report(summary: str, reply: PoseReply, *, is_virtual: bool) -> None:
    """The virtual board models the time of the network, not that of the core's instructions."""
    click.echo(summary)
    times = reply.times
    if is_virtual:
        click.echo(f"network {times.inference_us} us (modelled) on the virtual board")
        return
    click.echo(
        f"network {times.inference_us} us, decoder {times.decode_us} us,"
        f" loading {times.load_us} us, unloading {times.unload_us} us"
    )
