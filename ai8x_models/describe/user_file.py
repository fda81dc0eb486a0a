"""`FILE.py:NAME`: something in a Python file of the user's, called.

`FILE.py:NAME(width=32, bias=True)` calls it with arguments: names, and values as Python writes
them. A file that is named is executed, like any program its user runs. What it gives is for the
caller to judge.
"""

import ast
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    place = path.resolve()
    packages = _packages(place)
    name = ".".join((*packages, path.stem))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    root = [str(place.parents[len(packages)])] if packages else []
    known = {name: module, **_vendor_modules()}
    with _searched([str(place.parent), *root], str(place.parent.parent)), _known_as(known):
        try:
            spec.loader.exec_module(module)
        except _BROKEN as error:
            why = f"cannot be run: {type(error).__name__}: {error}"
            fix = _missing(error, name) or "run it with Python to see where"
            raise InputError(why, where=_place(error, path), fix=fix) from error
    return module


def _packages(path: Path) -> tuple[str, ...]:
    """Folders that a file's relative imports begin at, the outermost first; none without such."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # running it says so
        return ()
    n_levels = max(
        (one.level for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)), default=0
    )
    folders = path.parents[:-1]  # the root has no name
    while 0 < n_levels < len(folders) and (folders[n_levels] / "__init__.py").is_file():
        n_levels += 1  # a package in a package
    return tuple(folder.name for folder in reversed(folders[:n_levels]))


def _missing(error: BaseException, name: str) -> str:
    """What helps where a module is missing, perhaps of the package of `name`; empty if none is."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    if error.name.partition(".")[0] == name.partition(".")[0]:
        return "put it there, or mend the import"
    return f"pip install {error.name.partition('.')[0]}"


def _vendor_modules() -> dict[str, ModuleType]:
    """Ours, under the names of the vendor's modules of layers."""
    return {name: importlib.import_module(ours) for name, ours in _VENDOR_MODULES.items()}


@contextmanager
def _known_as(modules: Mapping[str, ModuleType]) -> Iterator[None]:
    """Let a file import modules under these names, and data classes in it find their own."""
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@contextmanager
def _searched(first: Sequence[str], last: str) -> Iterator[None]:
    """Let a file import those beside it, and last of all those of the folder above.

    There the vendor's trainer has what its model modules share.
    """
    sys.path[:0] = first
    sys.path.append(last)
    try:
        yield
    finally:
        for folder in first:
            sys.path.remove(folder)
        sys.path.pop()
