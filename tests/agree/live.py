"""Applications on the virtual board, with something to see or to hear."""

from click.testing import CliRunner

from max78000.apps.new.command import new
from max78000.board.board import VirtualBoard
from max78000.board.outside.boards import LAYOUTS, Equipment
from max78000.errors import ToolError
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain


def make(folder, app, project, *more):
    result = CliRunner().invoke(new, [str(folder), "--app", app, "--from", str(project), *more])
    if isinstance(result.exception, ToolError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return folder


def board_with(folder, compiler="auto", **seen_or_heard):
    """The application on a board, which sees or hears something."""
    equipment = Equipment(LAYOUTS["EvKit_V1"], **seen_or_heard)
    board = VirtualBoard(world=equipment.world())
    board.load_elf(build_project(folder, find_toolchain(compiler)).elf)
    return board
