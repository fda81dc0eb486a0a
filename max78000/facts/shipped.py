"""What comes beside the code: descriptions, samples, checkpoints and recipes, by their names.

A name is the path in the repository, `networks/pose_tiny.yaml`, wherever a tool runs. A file of
that name in the current folder counts; else what was shipped is taken: beside the packages, where
the repository has it, or where pip has put the data of the wheel, `share/max78000-toolchain` of the
environment. Readers of descriptions, checkpoints and recipes ask `find_input`, command lines ask it
for pictures and samples. Nothing is read here.
"""

from collections.abc import Iterator, Mapping
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
_MARK = "checkpoints/manifest.toml"  # by which the folder of the data is known


def find_input(name: Path) -> Path:
    """Where a file that is to be read lies.

    Args:
        name: as it was given.

    Returns:
        The shipped file of this name if the current folder has none; else `name` itself, whether
        there is such a file or not.
    """
    if name.parent.as_posix() not in _PATTERNS or name.exists():
        return name
    return next((path for path in _places(name) if path.is_file()), name)


def is_shipped(path: Path) -> bool:
    """Whether a file is one of those that are shipped."""
    whole = path.resolve()
    return any(
        whole.parent == place.resolve() for folder in _PATTERNS for place in _places(Path(folder))
    )


def or_shipped(fix: str, name: Path, folder: str) -> str:
    """What helps where a file is missing: with all that are shipped, if one of them may be meant.

    Args:
        fix: what helps in any case.
        name: as it was given: in the folder, or without one but called like what is shipped there.
        folder: in which such files are shipped.
    """
    names = sorted(
        {path.name for place in _places(Path(folder)) for path in place.glob(_PATTERNS[folder])}
    )
    is_called_so = any(f"{one}.".startswith(f"{name.name}.") for one in names)
    is_meant = name.parent == Path(folder) or (name.parent == Path() and is_called_so)
    return f"{fix}; shipped in {folder}: {', '.join(names)}" if names and is_meant else fix


def _places(name: Path) -> Iterator[Path]:
    """Where something that is shipped can lie; the repository before the data of a wheel."""
    yield _BESIDE / name
    data = _data_folder()
    if data is not None:
        yield data / name


@cache
def _data_folder() -> Path | None:
    """The folder of the data of an installed wheel, as pip has noted it."""
    from importlib.metadata import PackageNotFoundError, files  # noqa: PLC0415 - slow, seldom asked

    try:
        noted = files(DISTRIBUTION) or ()
    except PackageNotFoundError:
        return None
    ending = f"{_DATA}/{_MARK}"
    mark = next((path for path in noted if path.as_posix().endswith(ending)), None)
    return None if mark is None else Path(str(mark.locate())).resolve().parents[1]
