"""`FILE.py:NAME`: something in a Python file of the user's, called.

`FILE.py:NAME(width=32, bias=True)` calls it with arguments: names, and values as Python writes
them. A file that is named is executed, like any program its user runs. What it gives is for the
caller to judge.
"""

import ast
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from ai8x_models.describe.declared import lines_noted
from ai8x_models.describe.reference import bare_name
from max78000.errors import InputError, ProblemList, ToolError

# What a user's file, or a constructor that is called without arguments, may end with.
_BROKEN = (
    *(SyntaxError, ImportError, NameError, AttributeError, TypeError, ValueError, LookupError),
    *(RuntimeError, OSError, AssertionError, ArithmeticError),
)
# Modules of the vendor's trainer, and ours of the same names; and how the first of ours was called
# before it had its room.
_VENDOR_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "ai8x": "ai8x_models.layers.vendor_names",
        "ai8x_blocks": "ai8x_models.layers.vendor_blocks",
        "ai8x_models.names": "ai8x_models.layers.vendor_names",
    }
)


@dataclass(frozen=True, slots=True)
class Needed:
    """What is looked for, in words for messages.

    Args:
        kind: `class or function`.
        example: how to name one.
        maker: what it has to be if calling it fails.
    """

    kind: str
    example: str
    maker: str


def call_in_file(path: Path, name: str, needed: Needed) -> object:
    """Call a class or function of a Python file.

    Args:
        path: the file.
        name: what is called, with arguments if there are any.
        needed: for messages.

    Raises:
        InputError: no such file or name, or one that fails.
        ToolError: what a layer of ours refuses, with the line of the file.
    """
    return call_in_module(executed(path, needed), path, name, needed)


def call_in_module(module: ModuleType, path: Path, name: str, needed: Needed) -> object:
    """Call a class or function of a file that was executed; as `call_in_file`."""
    arguments = _arguments(name, path)
    name = bare_name(name)
    maker = getattr(module, name, None)
    if not callable(maker):
        makers = [word for word, value in vars(module).items() if callable(value)]
        nearest = get_close_matches(name, makers, n=3, cutoff=0.3)
        fix = f"did you mean {', '.join(nearest)}?" if nearest else f"name a {needed.kind} in it"
        raise InputError(f"has no {needed.kind} {name!r}", where=str(path), fix=fix)
    return called(lambda: maker(**arguments), path, name, needed)


def called(call: Callable[[], object], path: Path, name: str, needed: Needed) -> object:
    """Call something of a user's file.

    Args:
        call: does it.
        path: the file.
        name: what is called, for messages; and so is `needed`.

    Raises:
        InputError: it fails.
        ToolError: what a layer of ours refuses, with the line of the file.
    """
    try:
        with lines_noted(path):
            return call()
    except ToolError as error:  # of a layer's constructor, which does not know where it was called
        _add_line(error, path)
        raise
    except _BROKEN as error:
        raise InputError(
            f"{name}() fails: {error}", where=_place(error, path), fix=needed.maker
        ) from error


def _arguments(name: str, path: Path) -> dict[str, Any]:
    """Arguments of `NAME(width=32)`; none of `NAME`."""
    if "(" not in name:
        return {}
    try:
        call = ast.parse(name, mode="eval").body
        if (
            not isinstance(call, ast.Call)
            or call.args
            or None in [one.arg for one in call.keywords]
        ):
            raise ValueError(name)
        return {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    except (SyntaxError, ValueError) as error:
        why = f"{name!r} is no name with arguments"
        fix = f"write {bare_name(name)}(width=32, bias=True), with plain values"
        raise InputError(why, where=str(path), fix=fix) from error


def _add_line(error: ToolError, path: Path) -> None:
    """Let a refusal begin with the innermost line of this file that led to it."""
    lines = _lines(error, path)
    for problem in error.problems if isinstance(error, ProblemList) else (error,):
        problem.where = f"{path.name}:{lines[-1]} {problem.where}" if lines else problem.where


def _lines(error: BaseException, path: Path) -> list[int | None]:
    """Lines of a file that led to an error, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [one.lineno for one in frames if Path(one.filename).resolve() == path.resolve()]


def _place(error: BaseException, path: Path) -> str:
    """The file, with the innermost line that led to an error if one did."""
    lines = _lines(error, path)
    if isinstance(error, SyntaxError) and Path(error.filename or "").resolve() == path.resolve():
        lines.append(error.lineno)
    return f"{path}:{lines[-1]}" if lines else str(path)


def executed(path: Path, needed: Needed) -> ModuleType:
    """Execute a Python file; those beside it can be imported.

    Raises:
        InputError: no such file, or one that fails.
    """
    if not path.is_file():
        raise InputError("there is no such file", where=str(path), fix=needed.example)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _neighbours(path.resolve().parent), _vendor_modules():
        try:
            spec.loader.exec_module(module)
        except _BROKEN as error:
            why = f"cannot be run: {type(error).__name__}: {error}"
            fix = _missing(error) or "run it with Python to see where"
            raise InputError(why, where=_place(error, path), fix=fix) from error
    return module


def _missing(error: BaseException) -> str:
    """What helps where a module is missing; empty if none is."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    return f"pip install {error.name.partition('.')[0]}"


@contextmanager
def _vendor_modules() -> Iterator[None]:
    """Let a file import the vendor's modules of layers under their names, and get ours."""
    before = {name: sys.modules.get(name) for name in _VENDOR_MODULES}
    for name, ours in _VENDOR_MODULES.items():
        sys.modules[name] = importlib.import_module(ours)
    try:
        yield
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


@contextmanager
def _neighbours(folder: Path) -> Iterator[None]:
    """Let a file import those beside it, and last of all those of the folder above.

    There the vendor's trainer has what its model modules share.
    """
    sys.path.insert(0, str(folder))
    sys.path.append(str(folder.parent))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.path.pop()
