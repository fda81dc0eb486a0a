"""Families: what draws networks, one after another, each as the text of a model file.

The text is what is trained, and what is written when a network is found: there is no second way to
make it. A family of the user's is a class with a function `draw`, which gives the arguments of its
constructor; the text is then the user's file, with a function `Found` behind it.
"""

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from optuna.trial import BaseTrial

from ai8x_models.describe.reference import split_reference
from ai8x_models.describe.user_file import Needed, called, executed
from ai8x_models.training.search.ready import pictures, signals
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError
from max78000.files import make_folder, write_whole

FOUND = "Found"  # what the text calls the network
NEEDED = Needed(
    "class",
    "name a class of a model with a static method draw(trial, shape, n_classes)",
    "let it take a trial, the shape of the input and the number of classes",
)

# A trial of Optuna's, shape of the input, number of classes (0: of another kind) -> text.
Family = Callable[[BaseTrial, Shape, int], str]

FAMILIES: Mapping[str, Family] = MappingProxyType({"pictures": pictures, "signals": signals})
_NONE: Mapping[str, Family] = MappingProxyType({})


def find_family(word: str, more: Mapping[str, Family] = _NONE) -> Family:
    """Find a family by its name, or a user's by `FILE.py:NAME`.

    Args:
        word: the name.
        more: families of a task, beside those for all tasks.

    Raises:
        InputError: there is none, or its class has no `draw`.
    """
    reference = split_reference(word)
    if reference is None:
        families = {**FAMILIES, **more}
        if word not in families:
            fix = f"one of {', '.join(families)}, or FILE.py:NAME"
            raise InputError(f"there is no family {word!r}", fix=fix)
        return families[word]
    path, name = reference
    kind = getattr(executed(path, NEEDED), name, None)
    draw = getattr(kind, "draw", None)
    if not callable(draw):
        raise InputError(f"has no family {name!r}", where=str(path), fix=NEEDED.example)
    text = path.read_text(encoding="utf-8")

    def of_user(trial: BaseTrial, shape: Shape, n_classes: int) -> str:
        drawn = called(lambda: draw(trial, shape, n_classes), path, "draw", NEEDED)
        return text + _call(name, drawn, word)

    return of_user


def _call(name: str, arguments: object, where: str) -> str:
    """The end of a model file: a function that makes the network with these arguments.

    Raises:
        InputError: they are not what a constructor can be given in so many words.
    """
    if not isinstance(arguments, Mapping) or not all(map(_is_literal, arguments.values())):
        fix = "return a dict of numbers, texts, truths and tuples of these"
        raise InputError("draw() does not give the arguments of a model", where=where, fix=fix)
    shown = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f'\n\ndef {FOUND}():\n    """As it was drawn."""\n    return {name}({shown})\n'


def _is_literal(value: object) -> bool:
    try:
        same: bool = ast.literal_eval(repr(value)) == value
    except (ValueError, SyntaxError):
        return False
    return same


def write_model(path: Path, text: str) -> str:
    """Write a model file; returns `FILE.py:NAME`."""
    make_folder(path.parent)
    write_whole(path, text.encode())
    return f"{path}:{FOUND}"
