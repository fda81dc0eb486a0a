"""Files that a command is given, looked at before it loads PyTorch, which takes seconds.

What is missing or damaged is refused at once, by the kind of the file. Whether a file fits what it
is for is for its reader to say.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from ai8x_models.describe.reference import check_word, is_onnx
from max78000.errors import InputError, ToolError, raise_all
from max78000.files import load_npy
from max78000.program.picture_file import picture_pixels
from max78000.program.tensor_check import check_tensors


def look_at(
    *paths: Path | None, checkpoints: Iterable[Path | None] = (), model: str | None = None
) -> None:
    """Refuse what is missing or damaged; None is a file that was not named.

    Args:
        paths: files whose kinds their names tell.
        checkpoints: files of tensors, whatever they are called.
        model: a name of the zoo, FILE.py:NAME or an ONNX file.

    Raises:
        InputError: a file is.
        ProblemList: several are.
    """
    asked = [partial(check_tensors, path) for path in checkpoints if path is not None]
    asked += [partial(_check_by_name, path) for path in paths if path is not None]
    asked += [partial(_check_model, model)] if model is not None else []
    problems: list[ToolError] = []
    for check in asked:
        try:
            check()
        except ToolError as error:
            problems.append(error)
    raise_all(problems)


def _check_model(word: str) -> None:
    check_word(word)
    if is_onnx(word):
        _check_by_name(Path(word))


def _check_by_name(path: Path) -> None:
    _KINDS.get(path.suffix.lower(), _check_there)(path)


def _check_there(path: Path) -> None:
    if not path.exists():
        raise InputError("no such file", where=str(path))


def _check_array(path: Path) -> None:
    try:
        load_npy(path)
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}"
        raise InputError(why, where=str(path), fix="name an .npy file") from error
    except ValueError as error:
        raise InputError("is not a readable array", where=str(path), fix="save it anew") from error


def _check_onnx(path: Path) -> None:
    from ai8x_models.describe.onnx_file import check_onnx  # noqa: PLC0415 - few files are of ONNX

    check_onnx(path)


_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
_KINDS: Mapping[str, Callable[[Path], object]] = MappingProxyType(
    {
        **dict.fromkeys(_PICTURES, picture_pixels),
        ".npy": _check_array,
        ".onnx": _check_onnx,
    }
)
