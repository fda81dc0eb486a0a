"""Weight widths from a network description, as the vendor's quantizer takes them with `-c`.

Only `quantization` is read, and only which layers have weights of their own: what else the file
says is for the compiler to judge. Weights are those of the description in its order; the vendor's
tool counts layers without weights, too, and so gives the widths to the wrong layers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ai8x_models.layers.yaml_text import load_yaml
from max78000.errors import InputError, UnsupportedError
from max78000.facts.chip import WEIGHT_BITS

_OPERATIONS = ("op", "operation", "operator", "convolution")
_WITHOUT_WEIGHTS = frozenset(
    ("none", "passthrough", "add", "sub", "or", "bitwiseor", "xor", "bitwisexor")
)


def read_widths(path: Path) -> tuple[int | None, ...]:
    """Width of each layer with weights, in the order in which they run; None where none is given.

    Raises:
        InputError: no such file, no description, or a width that does not exist.
        UnsupportedError: a width of the larger chip.
    """
    try:
        contents = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: bytes or a date that is none
        raise InputError(
            "is not YAML", where=str(path), fix="check indentation and colons"
        ) from error
    layers = contents.get("layers") if isinstance(contents, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        fix = "name a network description"
        raise InputError("has no list of `layers`", where=str(path), fix=fix)
    try:
        order = sorted(range(len(layers)), key=lambda i: int(layers[i].get("sequence", i)))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("a `sequence` is no whole number", where=str(path)) from error
    return tuple(
        _width(layers[index], f"{path} layers[{index}]")
        for index in order
        if _has_weights(layers[index])
    )


def widths_by_name(widths: tuple[int | None, ...], names: list[str], where: str) -> dict[str, int]:
    """The widths that are given, by the names of a checkpoint's layers.

    Raises:
        InputError: the description has more layers with weights than the checkpoint.
    """
    if len(widths) > len(names):
        why = f"has {len(widths)} layers with weights, and the checkpoint {len(names)}"
        raise InputError(why, where=where, fix="give the description of this network")
    pairs = zip(names, widths, strict=False)  # a description may be of the network's beginning
    return {name: width for name, width in pairs if width is not None}


def _has_weights(layer: Mapping[str, Any]) -> bool:
    if layer.get("weight_source") is not None or layer.get("bypass"):
        return False
    words = [str(layer[key]) for key in _OPERATIONS if key in layer]
    return not words or words[0].lower().replace("_", "") not in _WITHOUT_WEIGHTS


def _width(layer: Mapping[str, Any], where: str) -> int | None:
    width = layer.get("quantization")
    if width is None:
        return None
    if str(width).lower() in ("bin", "binary"):
        why, fix = "binary weights exist on the MAX78002 only", "use 1, 2, 4 or 8"
        raise UnsupportedError(why, where=where, fix=fix, rule="G18")
    if isinstance(width, bool) or width not in WEIGHT_BITS:
        raise InputError(f"{width!r} bits is not a weight width", where=where, fix="use 1, 2, 4, 8")
    return int(width)
