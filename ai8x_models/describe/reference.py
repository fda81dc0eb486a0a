"""What names a network: a name of ours, `FILE.py:NAME`, an ONNX file. Read without PyTorch.

`FILE.py:NAME(width=32, bias=True)` calls what is named with arguments: names, and values as Python
writes them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ai8x_models.zoo.registry import find_model
from max78000.errors import InputError

EXAMPLE = "name a file and a class: net.py:Net"
_REFERENCE = re.compile(r"(.*\.py):([^:(]*(?:\(.*\))?)", re.DOTALL)


def split_reference(word: str) -> tuple[Path, str] | None:
    """File and name of `FILE.py:NAME`, with its arguments; None if the word is something else."""
    found = _REFERENCE.fullmatch(word)
    return (Path(found[1]), found[2]) if found else None


def bare_name(name: str) -> str:
    """`NAME` of `NAME(width=32)`."""
    return name.partition("(")[0]


def call_text(name: str, arguments: Mapping[str, Any]) -> str:
    """Write a name and arguments, plain values, as references have them: `NAME(width=32)`."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def is_onnx(word: str) -> bool:
    """Whether an ONNX file is named."""
    return word.lower().endswith(".onnx")


def check_word(word: str) -> None:
    """Refuse what names no network; what is in a file is for those who read it.

    Raises:
        InputError: no such file or name, or another kind of file.
    """
    reference = split_reference(word)
    if reference is not None:
        if not reference[0].is_file():
            raise InputError("there is no such file", where=str(reference[0]), fix=EXAMPLE)
    elif word.endswith(".py"):
        raise InputError("names no class", where=word, fix=f"write {word}:ClassName")
    elif not is_onnx(word):
        if Path(word).is_file():
            why = "is neither Python nor ONNX, and no model is in other files"
            fix = "name FILE.py:CLASS; the weights of a checkpoint are taken with --checkpoint "
            raise InputError(why, where=word, fix=fix + word)
        find_model(word)
