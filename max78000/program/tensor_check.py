"""Whether a file of tensors can be read at all, seen without PyTorch, which takes seconds to load.

What PyTorch would refuse is refused here, with what helps: files that are cut or damaged, that
build more than any checkpoint does, whose tensors lie outside their storage, and those that name
code. What only PyTorch knows is left to it.
"""

import pickle
import pickletools
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from max78000.errors import InputError
from max78000.facts.shipped import CHECKPOINTS, find_input, or_shipped
from max78000.program.pickle_size import check_pickle
from max78000.program.safetensors_file import is_safetensors, read_safetensors
from max78000.program.torch_file import FOREIGN_PICKLE, LEGACY_MAGIC, read_archive

_DESCRIBE = "`ai8x describe FILE.onnx --calibration SAMPLES --checkpoint-out OUT` makes integers"
_DAMAGED = "is not a checkpoint, or is cut short or damaged"
_COMPARE = "compare its size and hash with the original"
_SAVE_NUMBERS = "where the model was made, save model.state_dict()"
_IN_MODULES = frozenset({"_parameters", "_buffers", "_modules"})  # what every pickled one has
_MODULES = "torch.nn.modules."
_ARCHIVES = MappingProxyType(
    {"/constants.pkl": "a TorchScript archive", "/archive_format": "a program of torch.export"}
)
# Where names come from that PyTorch's restricted unpickler may know.
_KNOWN_PACKAGES = ("torch", "collections", "numpy", "builtins", "_codecs")
_MOST_PROTOCOL = 3  # its restricted unpickler lacks operations of later ones
_N_PICKLES = 4  # in a file of the older kind: magic number, version, machine, contents
# What looking into a file raises that is no archive, one with a password, or of another method.
_NO_PICKLE = (
    *(OSError, ValueError, EOFError, RuntimeError),
    *(MemoryError, OverflowError),  # of a text that is said to be longer than any file
    *(zipfile.BadZipFile, zlib.error),
)
_UNREADABLE = (*_NO_PICKLE, *FOREIGN_PICKLE)


def check_tensors(path: Path) -> None:
    """Look through a file of PyTorch's, or of safetensors, as far as that goes without PyTorch.

    Raises:
        InputError: missing, cut, damaged, no checkpoint, or one that wants something executed.
    """
    path = find_input(path)
    try:
        with path.open("rb") as file:
            if is_safetensors(file):
                read_safetensors(file, str(path))
                return
            is_zip = zipfile.is_zipfile(file)
            file.seek(0)
            if not is_zip:
                _check_first_pickle(file)
        if _protocol(path) > _MOST_PROTOCOL:
            raise refusal(path)
        if code := _named_code(path):
            raise refusal(path, code)
        if is_zip:
            read_archive(path)
    except _UNREADABLE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(path, error) from error
        raise refusal(path) from error


def unreadable(path: Path, error: OSError) -> InputError:
    """The refusal of a file that the system does not let be read."""
    why = f"cannot be read: {error.strerror or error}"
    fix = or_shipped("name a checkpoint file", path, CHECKPOINTS)
    return InputError(why, where=str(path), fix=fix)


def refusal(path: Path, code: str = "") -> InputError:
    """Why a file cannot be read, in the words of whoever saved it.

    Args:
        path: the file.
        code: name of a function or class that it wants, if that is the reason.
    """
    for mark, kind in _ARCHIVES.items():
        if _has_member(path, mark):
            why = f"is {kind}, which is code and not data; nothing was executed"
            return InputError(why, where=str(path), fix=_SAVE_NUMBERS)
    what = f"asks for {code}, which" if code else "which"
    why = f"{what} is code and not data; nothing was executed"
    words = {word for word in _words_of(path) if isinstance(word, str)}
    if words >= _IN_MODULES or any(word.startswith(_MODULES) for word in words):
        comma = ":" if code else ","
        why = f"is a whole pickled model{comma} {why}"
        return InputError(why, where=str(path), fix=_SAVE_NUMBERS)
    if (protocol := _protocol(path)) > _MOST_PROTOCOL:
        why = f"is pickled by protocol {protocol}; PyTorch reads up to {_MOST_PROTOCOL} safely"
        fix = "where it was made, leave pickle_protocol out of torch.save()"
        return InputError(why, where=str(path), fix=fix)
    if code:
        return InputError(why, where=str(path), fix="get the checkpoint from its author again")
    if path.suffix.lower() == ".onnx":
        return InputError("is an ONNX file, no checkpoint", where=str(path), fix=_DESCRIBE)
    return InputError(_DAMAGED, where=str(path), fix=_COMPARE)


def _check_first_pickle(file: IO[bytes]) -> None:
    """A file of the older kind begins with a number; raises what ill-formed ones make raise."""
    contents = file.read()
    check_pickle(contents)
    operations = (argument for _, argument, _ in pickletools.genops(contents))
    if LEGACY_MAGIC not in operations:
        raise pickle.UnpicklingError("the magic number is missing")


def _protocol(path: Path) -> int:
    """The protocol of the first pickle in a file; 0 if it says none."""
    try:
        operation, argument, _ = next(_operations(path))
    except _NO_PICKLE:
        return 0
    return int(argument) if operation.name == "PROTO" else 0


def _named_code(path: Path) -> str:
    """The first class or function of a file that no checkpoint needs; empty if there is none."""
    for operation, argument, _ in _operations(path):
        if operation.name == "GLOBAL":
            module, _, name = str(argument).partition(" ")
            if module.split(".")[0] not in _KNOWN_PACKAGES or module.startswith(_MODULES):
                return f"{module}.{name}"
    return ""


def _words_of(path: Path) -> Iterator[Any]:
    """What the operations of a pickle are given: names, texts, numbers."""
    try:
        for _, argument, _ in _operations(path):
            yield argument
    except _NO_PICKLE:  # what was found counts
        return


def _operations(path: Path) -> Iterator[tuple[Any, Any, int | None]]:
    """The operations of all pickles in a file, without running any."""
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            for _ in range(_N_PICKLES):
                yield from pickletools.genops(file)
            return
        with zipfile.ZipFile(file) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as pickled:
                yield from pickletools.genops(pickled)


def _has_member(path: Path, ending: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(ending) for name in archive.namelist())
    except _NO_PICKLE:
        return False
