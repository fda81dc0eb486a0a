"""The policy of quantization-aware training: when it begins, and how wide weights are.

A value and its file, in the vendor's form; what a layer does with it is in `qat.py`. Needs no
PyTorch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from max78000.errors import InputError, ToolError, raise_all
from max78000.facts.fixed import WEIGHT_BITS


@dataclass(frozen=True, slots=True)
class QatPolicy:
    """When quantization-aware training begins, and the weight width of every layer.

    Args:
        start_epoch: first epoch, from 0, with quantized numbers; batch norm is folded before it.
        weight_bits: 1, 2, 4 or 8, for weights and biases.
        overrides: other widths, by the layer's name in the model.
        shift_quantile: share of the parameters that the output shift keeps from saturating.
    """

    start_epoch: int
    weight_bits: int = 8
    overrides: Mapping[str, int] = field(default_factory=dict)
    shift_quantile: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no layer could do."""
        widths = {"weight_bits": self.weight_bits} | {
            f"overrides.{name}": bits for name, bits in self.overrides.items()
        }
        problems: list[ToolError] = [
            InputError(f"{bits} bits is not a weight width", where=key, fix="use 1, 2, 4 or 8")
            for key, bits in widths.items()
            if bits not in WEIGHT_BITS
        ]
        if self.start_epoch < 0:
            problems.append(InputError(f"{self.start_epoch} is not an epoch", where="start_epoch"))
        if not 0 < self.shift_quantile <= 1:
            why = f"{self.shift_quantile} is not above 0 and at most 1"
            problems.append(InputError(why, where="shift_quantile"))
        raise_all(problems)


def read_policy(path: Path) -> QatPolicy:
    """Read a policy file of the vendor's form.

    Keys are those of `QatPolicy`; an override is `name: 4` or `name: {weight_bits: 4}`.

    Raises:
        InputError: no such file, not YAML, or a key is wrong; with its line.
        ProblemList: several keys are.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            "is not YAML", where=str(path), fix="check indentation and colons"
        ) from error
    values: dict[str, Any] = {}
    problems: list[ToolError] = []
    for key_node, value_node in root.value if isinstance(root, yaml.MappingNode) else ():
        try:
            _read_pair(values, key_node.value, value_node)
        except ValueError as error:
            where = f"{path}:{key_node.start_mark.line + 1} {key_node.value}"
            problems.append(
                InputError(str(error), where=where, fix=f"keys are {', '.join(_POLICY_KEYS)}")
            )
    problems += [
        InputError(f"lacks `{name}`", where=str(path), fix=f"add `{name}: ...`")
        for name in ("start_epoch", "weight_bits")
        if name not in values
    ]
    raise_all(problems)
    return QatPolicy(**values)


def _read_pair(values: dict[str, Any], key: str, node: yaml.Node) -> None:
    """Convert the value of one key of a policy.

    Raises:
        ValueError: with the reason as its text.
    """
    if key not in _POLICY_KEYS:
        raise ValueError("is an unknown key")
    if key in values:
        raise ValueError("is given twice")
    convert, meaning = _POLICY_KEYS[key]
    values[key] = None
    try:
        values[key] = convert(node)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"must be {meaning}") from error


def _read_overrides(node: yaml.Node) -> dict[str, int]:
    return {str(name.value): _read_override(width) for name, width in node.value}


def _read_override(node: yaml.Node) -> int:
    if isinstance(node, yaml.MappingNode):
        ((key, node),) = node.value
        if key.value != "weight_bits":
            raise ValueError(key.value)
    return int(node.value)


_POLICY_KEYS: Mapping[str, tuple[Callable[[yaml.Node], object], str]] = {
    "start_epoch": (lambda node: int(node.value), "a whole number"),
    "weight_bits": (lambda node: int(node.value), "a whole number"),
    "shift_quantile": (lambda node: float(node.value), "a number"),
    "overrides": (_read_overrides, "lines of `layer: bits` or `layer: {weight_bits: bits}`"),
}
