"""What one layer does, with the language's defaults filled in; independent of shapes and
weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from max78000.errors import InputError
from max78000.facts.fixed import Activation, Combine
from synthesis.graph.ir import Pool, PoolKind
from synthesis.read.description import LayerSpec, Operator, Pair

# operator -> (kernel size, padding) where the description gives none
DEFAULTS: Mapping[Operator, tuple[Pair, int]] = {
    Operator.CONV1D: ((9, 1), 1),
    Operator.CONV2D: ((3, 3), 1),
    Operator.CONVTRANSPOSE2D: ((3, 3), 1),
    Operator.LINEAR: ((1, 1), 0),
    Operator.PASSTHROUGH: ((1, 1), 0),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """Operator, pooling, combination and their parameters."""

    op: Operator
    combine: Combine | None
    operands: int
    kernel_size: Pair
    pad: Pair
    stride: Pair
    dilation: Pair
    output_pad: int
    pool: Pool
    activation: Activation


def operator_of(spec: LayerSpec) -> Operator:
    """The operator of a layer: a 2D convolution unless it says otherwise."""
    return spec.op or Operator.CONV2D


def read_operation(spec: LayerSpec, where: str) -> Operation:
    """Resolve aliases and defaults of one layer.

    Raises:
        InputError: keys that contradict each other, sizes below 1 (rules L1, L10, E1, C6, C7, C21).
    """
    op, combine = operator_of(spec), spec.eltwise
    kernel_size, pad = DEFAULTS[op]
    if spec.operands is not None and combine is None:
        raise InputError(
            "operands without an element-wise operation",
            where=where,
            fix="add eltwise or remove it",
            rule="E1",
        )
    if spec.kernel_size is not None and op is Operator.LINEAR:
        raise InputError(
            "kernel_size given for a linear layer", where=where, fix="remove it", rule="C21"
        )
    if spec.kernel_size is not None and op is not Operator.PASSTHROUGH:
        kernel_size = spec.kernel_size
    if spec.output_shift and op is Operator.PASSTHROUGH:
        why = f"output_shift {spec.output_shift} without convolution"
        raise InputError(
            why, where=where, fix="remove it, or scale in the convolution before", rule="C24"
        )
    pad = pad if spec.pad is None else spec.pad
    is_transposed = op is Operator.CONVTRANSPOSE2D
    return Operation(
        op=op,
        combine=combine,
        operands=(spec.operands or 2) if combine else 1,
        kernel_size=kernel_size,
        pad=(pad, 0 if op is Operator.CONV1D else pad),
        stride=spec.stride or ((2, 2) if is_transposed else (1, 1)),
        dilation=_dilation(spec, op, where),
        output_pad=spec.output_pad if spec.output_pad is not None else int(is_transposed),
        pool=_pool(spec, where),
        activation=spec.activate or Activation.NONE,
    )


def _pool(spec: LayerSpec, where: str) -> Pool:
    if spec.max_pool is not None and spec.avg_pool is not None:
        raise InputError("both max_pool and avg_pool", where=where, fix="keep one", rule="L10")
    kind = PoolKind.MAX if spec.avg_pool is None else PoolKind.AVERAGE
    window = _both(spec.max_pool if spec.avg_pool is None else spec.avg_pool)
    stride = _both(spec.pool_stride)
    if min(*window, *stride) < 1:
        raise InputError(
            f"pool window {window}, stride {stride}: both start at 1",
            where=where,
            fix="use 1 or more",
            rule="L1",
        )
    return Pool(kind, window, stride, is_stride_given=spec.pool_stride is not None)


def _dilation(spec: LayerSpec, op: Operator, where: str) -> Pair:
    dilation = spec.dilation or (1, 1)
    is_1d = op is Operator.CONV1D
    if min(dilation) < 1 or (not is_1d and dilation[0] != dilation[1]):
        raise InputError(
            f"dilation {dilation}",
            where=where,
            fix="give one number, 1 or more",
            rule="C6" if is_1d else "C7",
        )
    return dilation


def _both(value: Pair | int | None) -> Pair:
    if value is None:
        return 1, 1
    return (value, value) if isinstance(value, int) else value
