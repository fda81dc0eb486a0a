"""The policy of quantization-aware training: when it begins, and how wide weights are.

A value and its file, in the vendor's form; what a layer does with it is in `qat.py`. Needs no
PyTorch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from ai8x_models.layers.yaml_text import compose_yaml
from max78000.errors import InputError, ToolError, raise_all
from max78000.facts.chip import WEIGHT_BITS

DEFAULT_Z_SCORE = 8.0  # the vendor's


class Ranges(Enum):
    """What a result of a layer may be while QAT computes with it."""

    FIXED = "fixed"  # -1 to 127/128 everywhere: the vendor's first generation
    MEASURED = "measured"  # a power of two of its own, found on the training data: QATv2


@dataclass(frozen=True, slots=True)
class QatPolicy:
    """When quantization-aware training begins, how wide weights are, and which ranges results have.

    Args:
        start_epoch: first epoch, from 0, with quantized numbers; batch norm is folded before it.
        weight_bits: 1, 2, 4 or 8, for weights and biases.
        overrides: other widths, by the layer's name in the model.
        shift_quantile: share of the parameters that the output shift keeps from saturating.
        quantile_overrides: other shares, by the layer's name.
        ranges: left out, as what training starts from has them; for a new network `measured` if
            `outlier_removal_z_score` is there, else `fixed`.
        outlier_removal_z_score: of measured ranges: results farther from their mean than this many
            standard deviations do not count; left out, 8.
    """

    start_epoch: int
    weight_bits: int = 8
    overrides: Mapping[str, int] = field(default_factory=dict)
    shift_quantile: float = 1.0
    quantile_overrides: Mapping[str, float] = field(default_factory=dict)
    ranges: Ranges | None = None
    outlier_removal_z_score: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no layer could do."""
        problems: list[ToolError] = [
            InputError(f"{bits} bits is not a weight width", where=key, fix="use 1, 2, 4 or 8")
            for key, bits in _by_key("weight_bits", self.weight_bits, "overrides", self.overrides)
            if bits not in WEIGHT_BITS
        ]
        if self.start_epoch < 0:
            problems.append(InputError(f"{self.start_epoch} is not an epoch", where="start_epoch"))
        problems += [
            InputError(f"{share} is not above 0 and at most 1", where=key)
            for key, share in _by_key(
                *("shift_quantile", self.shift_quantile),
                *("quantile_overrides", self.quantile_overrides),
            )
            if not 0 < share <= 1
        ]
        problems += self._problems_of_ranges()
        raise_all(problems)

    def _problems_of_ranges(self) -> Iterator[ToolError]:
        z_score = self.outlier_removal_z_score
        if z_score is None:
            return
        if not z_score > 0:
            yield InputError(f"{z_score} is not above 0", where="outlier_removal_z_score")
        if self.ranges is Ranges.FIXED:
            why = "only measured ranges have outliers"
            fix = "leave it out, or write `ranges: measured`"
            yield InputError(why, where="outlier_removal_z_score", fix=fix)

    @classmethod
    def from_file(cls, path: Path) -> "QatPolicy":
        """The policy of a file of the vendor's form; see `read_policy`."""
        return read_policy(path)

    @property
    def measures(self) -> bool:
        """True if ranges are measured when QAT begins."""
        if self.ranges is None:
            return self.outlier_removal_z_score is not None
        return self.ranges is Ranges.MEASURED

    @property
    def z_score(self) -> float:
        """Standard deviations beyond which results do not count."""
        given = self.outlier_removal_z_score
        return DEFAULT_Z_SCORE if given is None else given

    def weight_bits_of(self, layer: str) -> int:
        """Weight width of a layer."""
        return self.overrides.get(layer, self.weight_bits)

    def shift_quantile_of(self, layer: str) -> float:
        """Share of a layer's parameters that its output shift keeps from saturating."""
        return self.quantile_overrides.get(layer, self.shift_quantile)


def _by_key(
    name: str, value: float, table_name: str, table: Mapping[str, float]
) -> Iterator[tuple[str, float]]:
    """A value and those that override it, by the key that a user wrote."""
    yield name, value
    for layer, other in table.items():
        yield f"{table_name}.{layer}", other


def read_policy(path: Path) -> QatPolicy:
    """Read a policy file of the vendor's form.

    Files for both generations of the vendor's trainer are read. Keys are those of `QatPolicy`; an
    override is `name: 4` or `name: {weight_bits: 4, shift_quantile: 0.99}`, either of the two.

    Raises:
        InputError: no such file, not YAML, or a key is wrong; with its line.
        ProblemList: several keys are.
    """
    try:
        root = compose_yaml(path.read_text(encoding="utf-8"))
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
    widths, shares = values.pop("overrides", ({}, {}))
    return QatPolicy(**values, overrides=widths, quantile_overrides=shares)


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


def _read_overrides(node: yaml.Node) -> tuple[dict[str, int], dict[str, float]]:
    """Widths and shift quantiles, by layer."""
    widths: dict[str, int] = {}
    shares: dict[str, float] = {}
    for name, entry in node.value:
        pairs = [("weight_bits", entry)]
        if isinstance(entry, yaml.MappingNode):
            pairs = [(key.value, value) for key, value in entry.value]
        for key, value in pairs:
            if key == "weight_bits":
                widths[str(name.value)] = int(value.value)
            elif key == "shift_quantile":
                shares[str(name.value)] = float(value.value)
            else:
                raise ValueError(key)
    return widths, shares


_POLICY_KEYS: Mapping[str, tuple[Callable[[yaml.Node], object], str]] = {
    "start_epoch": (lambda node: int(node.value), "a whole number"),
    "weight_bits": (lambda node: int(node.value), "a whole number"),
    "shift_quantile": (lambda node: float(node.value), "a number"),
    "overrides": (_read_overrides, "lines of `layer: bits` or `layer: {weight_bits: bits}`"),
    "ranges": (lambda node: Ranges(node.value), "fixed or measured"),
    "outlier_removal_z_score": (lambda node: float(node.value), "a number"),
}
