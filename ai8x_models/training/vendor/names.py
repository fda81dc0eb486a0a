"""Models and data sets by name, as the vendor's trainer finds them: in lists at the end of modules.

Its folders `models` and `datasets` hold Python files with a list `models` or `datasets` of
dictionaries, each with a `name`. The lists are read, and nothing is run: only the module in which a
name stands is, when the model is made or the data are opened.

Source: [trainer] its README, "Adding new models and data sets to the training process".
"""

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from max78000.errors import InputError


def find_module(kind: str, name: str, folder: Path) -> tuple[Path, str] | None:
    """The module of a name, and the name as it is written there; None if there is none.

    Args:
        kind: `models` or `datasets`: the list.
        name: in any case of letters.
        folder: of the modules.
    """
    for path, known in names_in(kind, folder):
        if known.lower() == name.lower():
            return path, known
    return None


def unknown(kind: str, name: str, folder: Path, others: tuple[str, ...]) -> InputError:
    """The refusal of a name that is nowhere.

    Args:
        others: what would be known without any module.
    """
    found = [known for _, known in names_in(kind, folder)]
    lower = {known.lower(): known for known in (*found, *others)}
    nearest = [lower[one] for one in get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
    place = f"{len(found)} in {folder}" if found else f"{folder} has none"
    fix = f"did you mean {', '.join(nearest)}?" if nearest else f"one of {', '.join(others)}"
    if not found:
        fix += f"; --{kind}-dir says where the modules are"
    return InputError(f"there is no {name!r} among the {kind}: {place}", fix=fix)


def names_in(kind: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """Every name in the lists of a folder, with its module.

    A module that cannot be read as Python is passed over: it may be half written.
    """
    for path in sorted(folder.glob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, ast.Assign) and _assigns(node, kind):
                yield from ((path, name) for name in _names(node.value))


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _names(value: ast.expr) -> Iterator[str]:
    """Values of the keys `name` of a list of dictionaries."""
    for entry in value.elts if isinstance(value, ast.List | ast.Tuple) else ():
        pairs = zip(entry.keys, entry.values, strict=True) if isinstance(entry, ast.Dict) else ()
        for key, given in pairs:
            is_name = isinstance(key, ast.Constant) and key.value == "name"
            if is_name and isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield given.value
