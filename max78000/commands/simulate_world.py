"""Options of `max78000 simulate` for what is around the chip: what it sees, hears, shows, plays."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from max78000.board.board import VirtualBoard
from max78000.board.devices.i2s import I2s
from max78000.board.outside.boards import LAYOUTS, Equipment
from max78000.board.outside.buttons import read_presses
from max78000.board.outside.displays import PictureFolder
from max78000.board.outside.pictures import read_scene
from max78000.board.outside.sounds import Sound, read_sound, write_sound
from max78000.board.timeline import NS_PER_S

PATH = click.Path(path_type=Path)
FILE = click.Path(path_type=Path, dir_okay=False)
AFTER_SOUND_NS = 3 * NS_PER_S  # time to finish with a word once all was heard
Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option(
        "--camera",
        metavar="PICTURE|FOLDER|FRAMES",
        type=PATH,
        help="What the camera sees; of several pictures the next for each frame.",
    ),
    click.option("--microphone", metavar="WAV", type=FILE, help="What the microphone hears."),
    click.option(
        "--buttons",
        metavar="NAME@WHEN,...",
        default="",
        help="Presses: seconds, or a text on the console. For example PB1@2.5,PB1@Press PB1",
    ),
    click.option(
        "--screen",
        metavar="FOLDER",
        type=click.Path(path_type=Path, file_okay=False),
        help="Connect the display, and write what it shows as PNG files.",
    ),
    click.option("--speaker", metavar="WAV", type=FILE, help="Write what I2S plays to a file."),
)


@dataclass(frozen=True, slots=True)
class WorldFiles:
    """What the options name."""

    camera: Path | None
    microphone: Path | None
    buttons: str
    screen: Path | None
    speaker: Path | None


def world_options(command: Command) -> Command:
    """Give a command the options, as one argument `world_files`."""

    @wraps(command)
    def packed(**arguments: Any) -> Any:
        names = WorldFiles.__slots__
        world_files = WorldFiles(**{name: arguments.pop(name) for name in names})
        return command(world_files=world_files, **arguments)

    for option in reversed(OPTIONS):
        packed = option(packed)
    return cast("Command", packed)


class WorldSession:
    """A board's surroundings while it runs.

    Args:
        files: what the options name.
        board: name of the board the chip is on.
    Raises:
        InputError: a file cannot be read, or a press not be understood.
    """

    def __init__(self, files: WorldFiles, board: str) -> None:
        layout = LAYOUTS[board]
        self.equipment = Equipment(
            layout,
            scene=None if files.camera is None else read_scene(files.camera),
            sound=None if files.microphone is None else read_sound(files.microphone),
            presses=read_presses(files.buttons, tuple(layout.buttons)),
            on_picture=None if files.screen is None else PictureFolder(files.screen),
        )
        self.is_listening = files.microphone is not None
        self._speaker = files.speaker
        self._over_ns: int | None = None

    def is_sound_over(self, board: VirtualBoard) -> bool:
        """Whether all was heard some time ago."""
        if not self.is_listening:
            return False
        now_ns = board.timeline.now_ns
        if self._over_ns is None and self.equipment.has_heard_all:
            self._over_ns = now_ns
        return self._over_ns is not None and now_ns - self._over_ns > AFTER_SOUND_NS

    def finish(self, board: VirtualBoard) -> None:
        """Write what is left to write.

        Raises:
            InputError: a file cannot be written.
        """
        self.equipment.finish()
        if self._speaker is None:
            return
        audio = cast("I2s", board.devices.by_name["I2S"])
        write_sound(self._speaker, Sound.played(audio.played, audio.played_rate_hz))
