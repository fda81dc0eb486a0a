"""An ONNX file: its operators, and its weights as arrays. Needs no PyTorch.

What is damaged is found here, before PyTorch is loaded; what the operators compute is for
`onnx_reader` and those below it to know.
"""

import warnings
from collections.abc import MutableSequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.checker import ValidationError
from onnx.external_data_helper import load_external_data_for_model

from max78000.errors import InputError
from max78000.files import DAMAGED

_NUMBERS = "biufc"  # kinds of arrays that PyTorch has, too


def load_onnx(path: Path) -> onnx.ModelProto:
    """Read an ONNX file, and the file of weights beside it if it has one.

    Raises:
        InputError: no such file, not ONNX, without operators, or weights missing.
    """
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        _check_text(model)
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise InputError(why, where=str(path), fix="name an ONNX file") from error
    except (DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            "is not an ONNX file, or is damaged", where=str(path), fix="export it again"
        ) from error
    if not model.graph.node:
        raise InputError("has no operators", where=str(path), fix="export it again")
    _load_weights(model, path)
    return model


def check_onnx(path: Path) -> None:
    """Refuse a file that is damaged.

    Raises:
        InputError: as `load_onnx`, or a weight or a constant that cannot be read.
    """
    model = load_onnx(path)
    for stored in model.graph.initializer:
        stored_array(stored, str(path))
    for node in model.graph.node:
        if node.op_type == "Constant":
            constant_value(node, str(path))


def stored_array(stored: onnx.TensorProto, where: str) -> NDArray[Any]:
    """A constant as a file holds it.

    Raises:
        InputError: it is damaged, or of a type that PyTorch lacks.
    """
    try:
        found = np.asarray(numpy_helper.to_array(stored))
        if found.dtype.kind not in _NUMBERS:
            raise TypeError(f"its numbers are of type {found.dtype}")
    except DAMAGED as error:
        why = f"tensor {stored.name or 'without a name'} cannot be read: {error}"
        fix = "export it again, with weights of 32 bits inside the file"
        raise InputError(why, where=where, fix=fix) from error
    return found


def constant_value(node: onnx.NodeProto, where: str) -> Any:
    """The value of a `Constant`: an array, or what else an attribute can be.

    Raises:
        InputError: it has none or several; or as `stored_array`.
    """
    values = [helper.get_attribute_value(one) for one in node.attribute]
    if len(values) != 1:
        why = f"a constant with {len(values)} values"
        raise InputError(why, where=where, fix="export it again")
    (value,) = values
    return stored_array(value, where) if isinstance(value, onnx.TensorProto) else value


def _check_text(message: Message) -> None:
    """Raise UnicodeDecodeError for a name that is no text: protobuf hands it out as bytes."""
    for described, value in message.ListFields():
        values = value if isinstance(value, MutableSequence) else (value,)
        if described.message_type is not None:
            for one in values:
                _check_text(one)
        elif described.type == FieldDescriptor.TYPE_STRING:
            for one in values:
                if isinstance(one, bytes):
                    one.decode()


def _load_weights(model: onnx.ModelProto, path: Path) -> None:
    """Take weights from the files in which large models have them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of keys that nobody knows
            load_external_data_for_model(model, str(path.parent))
    except (OSError, ValidationError, *DAMAGED) as error:
        why = f"has its weights in another file, which cannot be read: {error}"
        fix = "put that file beside it, or export with external_data=False"
        raise InputError(why, where=str(path), fix=fix) from error
