"""What comes beside the code: descriptions, samples, checkpoints and recipes, by their names.

A name is the path in the repository, `networks/pose_tiny.yaml`, wherever a tool runs. A file of
that name in the current folder counts; else what was shipped is taken: beside the packages, where
the repository has it, or where pip has put the data of the wheel, `share/max78000-toolchain` of the
environment. Readers of descriptions, checkpoints and recipes ask `find_input`; command lines do so
by `max78000.command.find_named`, which tells whoever named such a file. Nothing is read here.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

DISTRIBUTION = "max78000-toolchain"  # its name for pip
NETWORKS, SAMPLES = "networks", "networks/samples"
CHECKPOINTS, RECIPES = "checkpoints", "ai8x_models/recipes"
# Folders, and the files in them that are taken by name.
_PATTERNS: Mapping[str, str] = MappingProxyType(
    {NETWORKS: "*.yaml", SAMPLES: "*", CHECKPOINTS: "*.pth.tar", RECIPES: "*.yaml"}
)
_BESIDE = Path(__file__).parents[2]  # the packages: the repository, or site-packages
_DATA = f"share/{DISTRIBUTION}"
_MARK = "checkpoints/manifest.toml"  # by which the folder of networks and checkpoints is known


def find_input(name: Path) -> Path:
    """Where a file that is to be read lies.

    Args:
        name: as it was given.

    Returns:
        The shipped file of this name if the current folder has none; else `name` itself, whether
        there is such a file or not.
    """
    folder = name.parent.as_posix()
    if folder not in _PATTERNS or not _is_absent(name):
        return name
    place = _place(folder)
    shipped = name if place is None else place / name.name
    return shipped if os.path.isfile(shipped) else name  # noqa: PTH113 - of Path it may raise


def is_shipped(path: Path) -> bool:
    """Whether a file is one of those that are shipped."""
    home = _real(path).parent
    return any(home == _real(place) for place in map(_place, _PATTERNS) if place is not None)


def or_shipped(fix: str, name: Path, folder: str) -> str:
    """What helps where a file is missing: with all that are shipped, if one of them may be meant.

    Args:
        fix: what helps in any case.
        name: as it was given: in the folder, or without one but called like what is shipped there.
        folder: in which such files are shipped.
    """
    place = _place(folder)
    names = sorted(path.name for path in place.glob(_PATTERNS[folder])) if place else []
    is_called_so = any(f"{one}.".startswith(f"{name.name}.") for one in names)
    is_meant = name.parent == Path(folder) or (name.parent == Path() and is_called_so)
    return f"{fix}; shipped in {folder}: {', '.join(names)}" if names and is_meant else fix


def _is_absent(name: Path) -> bool:
    """Whether nothing has this name, not even a link to nowhere.

    Where the system does not tell, something may have it: who reads it says what is wrong.
    """
    try:
        name.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _real(path: Path) -> Path:
    """Without links; what cannot be followed stays, where `Path.resolve` raises."""
    return Path(os.path.realpath(path))


def _place(folder: str) -> Path | None:
    """Where one of the folders lies; None if it has not been shipped."""
    home = _BESIDE if folder == RECIPES else _home()  # recipes are in a package
    return None if home is None else home / folder


@cache
def _home() -> Path | None:
    """The folder of networks and checkpoints.

    It is the repository, what `pip install --target` has put beside the packages, or what pip has
    noted. Other folders beside the packages are those of other distributions.
    """
    beside = (place for place in (_BESIDE, _BESIDE / _DATA) if (place / _MARK).is_file())
    return next(beside, None) or _noted_by_pip()


def _noted_by_pip() -> Path | None:
    """The folder of the data of an installed wheel."""
    from importlib.metadata import PackageNotFoundError, files  # noqa: PLC0415 - slow, seldom asked

    try:
        noted = files(DISTRIBUTION) or ()
    except PackageNotFoundError:
        return None
    ending = f"{_DATA}/{_MARK}"
    mark = next((path for path in noted if path.as_posix().endswith(ending)), None)
    return None if mark is None else Path(str(mark.locate())).resolve().parents[1]
