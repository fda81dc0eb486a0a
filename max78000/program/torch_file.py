"""Reads the tensors of a `.pth.tar` file as NumPy arrays, without PyTorch and without running
anything in it.

A PyTorch file is a pickle, and a pickle may name any Python callable. Here every name but the few
that build tensors becomes an inert placeholder, so a hostile file can do no more than fail to
load. Both containers occur in the field: the zip archive (PyTorch 1.6 and later) and the older row
of pickles. Format: torch/serialization.py of PyTorch, `save`, `_legacy_save`, `_rebuild_tensor_v2`.
"""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError
from max78000.facts.shipped import CHECKPOINTS, or_shipped
from max78000.program.pickle_size import check_pickle

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
MAX_ELEMENTS = 1 << 26  # per tensor; the chip holds 442,368 weights
MAX_REPEATED = 1 << 20  # of a tensor that names elements of its storage again and again
UNKNOWN = ""  # element type of a storage that cannot be read, such as complex numbers
STORAGE_DTYPES = MappingProxyType(
    {
        "FloatStorage": "<f4",
        "DoubleStorage": "<f8",
        "HalfStorage": "<f2",
        "BFloat16Storage": "<u2",  # widened to float32 by `_bfloat16`
        "CharStorage": "<i1",
        "ByteStorage": "<u1",
        "ShortStorage": "<i2",
        "IntStorage": "<i4",
        "LongStorage": "<i8",
        "BoolStorage": "?",
    }
)


# What an ill-formed pickle can make the unpickler raise.
FOREIGN_PICKLE = (
    pickle.UnpicklingError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ImportError,
    OverflowError,
    MemoryError,
    RecursionError,
    AssertionError,
    RuntimeError,
)


class Inert:
    """Stands in for whatever a pickle names that is not a tensor: takes anything, does nothing."""

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        pass

    def __call__(self, *_args: object, **_kwargs: object) -> "Inert":
        """Stand in for the result of calling whatever was named."""
        return self

    def __setstate__(self, _state: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    def __hash__(self) -> int:
        return id(self)

    def append(self, _value: object) -> None:
        """Take a list item, keep nothing."""

    def extend(self, _values: object) -> None:
        """Take list items, keep nothing."""


@dataclass(slots=True)
class _Storage:
    """Raw elements; a legacy file delivers them after the pickle that refers to them."""

    dtype: str
    data: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view into a storage, resolved once all storages are there."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        """A read-only view of the elements, after checking that they are all there."""
        data = self.storage.data
        if data is None:
            raise ValueError("a tensor's data is missing")
        count = prod(self.shape)
        if (
            count > max(data.size, MAX_REPEATED)
            or count > MAX_ELEMENTS
            or min((0, self.offset, *self.shape, *self.strides)) < 0
        ):
            raise ValueError(f"a tensor has the impossible shape {self.shape}")
        last = self.offset + sum(
            (n - 1) * step for n, step in zip(self.shape, self.strides, strict=True)
        )
        if last >= data.size if count else self.offset > data.size:
            raise ValueError(f"a tensor of shape {self.shape} exceeds its storage")
        steps = tuple(step * data.itemsize for step in self.strides)
        view = np.lib.stride_tricks.as_strided(
            data[self.offset :], self.shape, steps, writeable=False
        )
        return _bfloat16(view) if self.storage.dtype == "<u2" else view


def _bfloat16(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_rest: object
) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise ValueError("a tensor refers to no storage")
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def _rebuild_parameter(data: object, *_rest: object) -> object:
    return data


BUILDERS: Mapping[tuple[str, str], Callable[..., Any]] = MappingProxyType(
    {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    }
)


class _DataUnpickler(pickle.Unpickler):
    """Unpickler that knows tensors and dictionaries, and nothing else."""

    def __init__(self, file: io.BufferedIOBase, storage: Callable[[str, str, int], _Storage]):
        super().__init__(file, encoding="utf-8", errors="replace")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in BUILDERS:
            return BUILDERS[module, name]
        if module in ("torch", "torch.storage") and name in STORAGE_DTYPES:
            return STORAGE_DTYPES[name]
        return Inert

    def persistent_load(self, pid: Any) -> Any:
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise pickle.UnpicklingError("unknown persistent object")
        dtype = pid[1] if pid[1] in STORAGE_DTYPES.values() else UNKNOWN
        return self._storage(str(pid[2]), dtype, int(pid[4]))


def _unpickle(file: io.BytesIO, storage: Callable[[str, str, int], _Storage]) -> Any:
    """Load one pickle, after looking at what it builds."""
    check_pickle(bytes(file.getbuffer()[file.tell() :]))
    return _DataUnpickler(file, storage).load()


def read_torch_file(path: Path) -> dict[str, Any]:
    """The dictionary in a PyTorch file; tensors are read-only arrays, foreign objects are `Inert`.

    Raises:
        InputError: missing, truncated or foreign file.
    """
    fix = "write it again; a download may have been cut short"
    try:
        with path.open("rb") as file:
            start = file.read(9)
        if start[4:] == b"\0\0\0\0{":  # a header in JSON, after its length in eight bytes
            raise InputError(
                "is a file of safetensors, which nobody has quantized",
                where=str(path),
                fix="give it to `ai8x quantize`, which reads it, and name what that writes",
                rule="G25",
            )
        is_zip = start.startswith(b"PK\x03\x04")
        root = read_archive(path) if is_zip else _resolve(_read_legacy(path), {})
        if isinstance(root, Inert):
            raise InputError(
                "is an object of some class, such as a whole pickled model; nothing was executed",
                where=str(path),
                fix="save model.state_dict(), and give it to `ai8x quantize`",
                rule="G25",
            )
        if not isinstance(root, dict):
            raise ValueError("it holds no dictionary")
        return {str(key): value for key, value in root.items()}
    except FileNotFoundError:
        fix = or_shipped("check --checkpoint-file", path, CHECKPOINTS)
        raise InputError("no such file", where=str(path), fix=fix) from None
    except (OSError, zipfile.BadZipFile, NotImplementedError, EOFError, struct.error) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=fix, rule="G25") from None
    except FOREIGN_PICKLE as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"is not a PyTorch checkpoint ({reason})", where=str(path), fix=fix, rule="G25"
        ) from None


def read_archive(path: Path) -> Any:
    """What a zip archive of PyTorch's holds, as `read_torch_file` gives it.

    Raises:
        OSError, EOFError, zipfile.BadZipFile, NotImplementedError or one of `FOREIGN_PICKLE`: it is
            cut or damaged, or something else.
    """
    return _resolve(_read_zip(path), {})


def _resolve(value: Any, done: dict[int, Any]) -> Any:
    """Make arrays of tensors; `done` holds dictionaries by identity, as one may contain itself."""
    if isinstance(value, _Tensor):
        return value.array() if value.storage.dtype != UNKNOWN else Inert()
    if not isinstance(value, dict):
        return value
    if id(value) not in done:
        done[id(value)] = resolved = {}
        resolved.update({key: _resolve(entry, done) for key, entry in dict.items(value)})
    return done[id(value)]


def _read_zip(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if len(pickles) != 1:
            raise ValueError("the archive has no data.pkl")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("the archive is compressed, PyTorch's are not")
        prefix = pickles[0].removesuffix("data.pkl")
        storages: dict[str, _Storage] = {}

        def load(key: str, dtype: str, _count: int) -> _Storage:
            if key not in storages:
                raw = archive.read(f"{prefix}data/{key}")
                storages[key] = _Storage(dtype, np.frombuffer(raw, dtype or "<u1"))
            return storages[key]

        return _unpickle(io.BytesIO(archive.read(pickles[0])), load)


def _read_legacy(path: Path) -> Any:
    storages: dict[str, _Storage] = {}

    def load(key: str, dtype: str, _count: int) -> _Storage:
        return storages.setdefault(key, _Storage(dtype))

    file = io.BytesIO(path.read_bytes())
    if _unpickle(file, load) != LEGACY_MAGIC:
        raise ValueError("the magic number is missing")
    _unpickle(file, load)  # protocol version
    _unpickle(file, load)  # sizes of C types on the writing machine
    root = _unpickle(file, load)
    for key in _unpickle(file, load):
        storage = storages[str(key)]
        if storage.dtype == UNKNOWN:
            raise ValueError("a tensor has elements of unknown size")
        (count,) = struct.unpack("<q", file.read(8))
        raw = file.read(count * np.dtype(storage.dtype).itemsize) if count >= 0 else b""
        if count < 0 or len(raw) != count * np.dtype(storage.dtype).itemsize:
            raise EOFError("the file ends inside a tensor")
        storage.data = np.frombuffer(raw, storage.dtype)
    return root
