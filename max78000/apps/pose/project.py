"""Which projects the pose application suits; asked by `max78000 run`, and before it is built."""

from pathlib import Path

from max78000.errors import UnsupportedError
from max78000.program.folder import read_program

OUTPUT_SHAPES = ((19, 16, 16), (38, 16, 16))  # heatmaps, part-affinity maps


def suits(directory: Path) -> bool:
    """Whether a project's network is one for poses; raises `InputError` as `check_project`."""
    return _shapes(directory) == OUTPUT_SHAPES


def check_project(directory: Path) -> None:
    """Refuse what is not a pose network before anything is built or sent.

    Raises:
        InputError: there is no program to look at.
        UnsupportedError: its outputs are others.
    """
    shapes = _shapes(directory)
    if shapes != OUTPUT_SHAPES:
        found = ", ".join("x".join(map(str, shape)) for shape in shapes)
        why = f"is not for poses: outputs are {found}, expected 19x16x16, 38x16x16"
        raise UnsupportedError(why, where=str(directory), fix="synthesize networks/pose_tiny.yaml")


def _shapes(directory: Path) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(output.shape) for output in read_program(directory).outputs)
