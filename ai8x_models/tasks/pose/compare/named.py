"""Which networks are compared, and what they are called; read before PyTorch is loaded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from max78000.errors import InputError, ToolError, raise_all


@dataclass(frozen=True, slots=True)
class Named:
    """A checkpoint, and what to call its network.

    Args:
        name: in tables and pictures.
        path: of the checkpoint.
    """

    name: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> "Named":
        """Read `NAME=FILE`, or `FILE`, whose name without endings is taken.

        A "=" behind a "/" belongs to a folder's name.
        """
        name, is_named, path = text.partition("=")
        if is_named and name and "/" not in name:
            return cls(name, Path(path))
        return cls(Path(text).name.partition(".")[0], Path(text))


def parse_names(texts: Sequence[str]) -> list[Named]:
    """Read what networks are called, and where they are.

    Raises:
        InputError: a name or a file is missing beside "=", or two networks have one name.
    """
    networks = [Named.parse(text) for text in texts]
    problems: list[ToolError] = []
    for name, count in Counter(one.name for one in networks).items():
        if count > 1:
            why, fix = f"{count} networks are called so", "name them: NAME=FILE"
            problems.append(InputError(why, where=name, fix=fix))
    for text, one in zip(texts, networks, strict=True):
        if text.startswith("="):
            problems.append(InputError("has no name", where=text, fix="NAME=FILE, or FILE alone"))
        elif not one.path.name:
            problems.append(InputError("names no file", where=text, fix="NAME=FILE"))
    raise_all(problems)
    return networks
