"""The layers of a network for the accelerator: one class an operator, the rest are its options.

A layer does what the chip does in one go: pool, operate, add the bias, shift, activate, round. The
constructor refuses at once what the chip cannot do. A layer computes in one of three modes (see
`qat.Mode`), and which one is its own state. In integer mode data are whole numbers -128..127 in
float32 tensors, and 32-bit outputs are int32. Rounding rules are in `qat.py` and
`max78000.facts.fixed`, options and refusals in `rules.py`, the vendor's class names in
`vendor_names.py`.
"""

from collections.abc import Callable, Iterable
from typing import Any, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ai8x_models.layers import integer
from ai8x_models.layers.batchnorm import (
    BN_DIVISOR,
    BatchNorm,
    fold_batchnorm,
    normalized_over_shares,
)
from ai8x_models.layers.qat import (
    DATA_GRID,
    DATA_MAX,
    WIDE_GRID,
    Layer,
    Mode,
    QatModule,
    fake_quantize,
    truncate,
)
from ai8x_models.layers.rules import BN_MOMENTUM, Options, Plan, check, check_linear, check_pool
from ai8x_models.layers.space_to_depth import RATIO, fold_image, fold_kernel
from max78000.facts import fixed
from max78000.facts.fixed import Activation

WIDE_LIMIT = float(1 << 15)  # the vendor's clamp of 32-bit outputs in training

Operator = nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Norm = nn.BatchNorm1d | nn.BatchNorm2d


class FusedLayer(QatModule):
    """Pooling, one operator, batch norm and activation, as one step of the accelerator.

    A subclass supplies the operator's module `op`, which holds weight and bias, and `_operate`.
    Data are in -1..127/128, or their integers. A wide output (32 bits, no activation) is the sum of
    products as it is, 1.0 = 2^14 in integers; no output shift applies to it. QAT scales the weights
    of a wide layer up like all others, which multiplies its result by 2^-output_shift; with
    `fixed_scale` they stay unscaled within -1..1 in every mode, so that the output means the same
    before, during and after QAT.
    """

    output_axis = 0  # of the weight tensor
    # Set where a batch is shared by several processes: adds up what each of them has.
    sum_over_shares: Callable[[Tensor], Tensor] | None = None

    def __init__(self, op: Operator, plan: Plan, norm: Norm | None = None) -> None:
        super().__init__(plan.fixed_scale)
        self.plan = plan
        self.op: Operator = op
        self.bn: Norm | None = norm
        if plan.weight_bits:
            self.enter_qat(plan.weight_bits)

    def _operate(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Apply the operator with these parameters; each kind of layer has its own."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C_out, H_out, W_out), or without W, or without both."""
        x = self.pooled(x)
        if self.mode is Mode.INTEGER:
            return self._integer(x)
        weight, bias, gain = self.parameters_in_use(self.op.weight, self.op.bias)
        x = self._operate(x, weight, bias)
        if self.bn is not None:
            x = _normalized(x, self.bn, self.bn_divisor, self.sum_over_shares)
        x = self._finish(x, gain)
        return x if self.final_gain == 1 else x * self.final_gain

    def pooled(self, x: Tensor) -> Tensor:
        """What the operator is given."""
        return _pooled(x, self.plan, self)

    def operate(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Apply the operator alone, with other parameters."""
        return self._operate(x, weight, bias)

    @property
    def bn_divisor(self) -> int:
        """What the result of batch norm is divided by."""
        return 1 if self.is_v2 else BN_DIVISOR

    def fold_batchnorm(self) -> None:
        """Fold the batch norm, if there is one, into weight and bias, in place."""
        if self.bn is None:
            return
        assert self.bn.running_mean is not None
        assert self.bn.running_var is not None
        norm = BatchNorm(
            self.bn.running_mean, self.bn.running_var, self.bn.weight, self.bn.bias, self.bn.eps
        )
        with torch.no_grad():
            weight, bias = fold_batchnorm(
                self.op.weight, self.op.bias, norm, self.output_axis, self.bn_divisor
            )
            self.op.weight.copy_(weight)
            assert self.op.bias is not None
            self.op.bias.copy_(bias)
        self.bn = None

    def _finish(self, x: Tensor, gain: float) -> Tensor:
        """Output shift, activation and clamp; in QAT also rounding."""
        quantizes, activation = self.mode is Mode.QAT, self.plan.activation
        if not self.clamps:
            return _activated(x if gain == 1 else x * gain, activation)
        if self.plan.wide:
            return fake_quantize(x, WIDE_GRID) if quantizes else x.clamp(-WIDE_LIMIT, WIDE_LIMIT)
        if quantizes:
            x = fake_quantize(x, DATA_GRID, gain, rectify=activation is Activation.RELU)
        else:
            x = x if gain == 1 else x * gain
            x = F.hardtanh(x, 0.0 if activation is Activation.RELU else -1.0, DATA_MAX)
        return x.abs().clamp(max=DATA_MAX) if activation is Activation.ABS else x

    def _integer(self, x: Tensor) -> Tensor:
        weight_bits = int(self.weight_bits.item()) or fixed.DATA_BITS
        bias = self.op.bias
        in_bytes = None if bias is None else integer.bias_bytes(bias.detach(), weight_bits)
        weight = self.op.weight.detach()
        acc = integer.accumulate(self._operate, x, weight, in_bytes, self.output_axis)
        if self.plan.wide:
            return acc.to(torch.int32)
        shift = fixed.total_shift(int(self.output_shift.item()), weight_bits)
        return integer.requantize(acc, shift, self.plan.activation)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """A state without batch norm for this layer comes from a folded model."""
        if self.bn is not None and not any(key.startswith(f"{prefix}bn.") for key in state_dict):
            self.bn = None
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


class Conv2d(FusedLayer):
    """Convolution 3x3 or 1x1 with stride 1."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 3, **options: Unpack[Options]
    ) -> None:
        """For the options see `rules.Options`.

        Raises:
            ToolError: the accelerator cannot do this; with what to do instead.
        """
        plan = Plan.make(kernel_size, options)
        check("Conv2d", in_channels, out_channels, kernel_size, plan)
        op = nn.Conv2d(in_channels, out_channels, kernel_size, padding=plan.padding, bias=plan.bias)
        super().__init__(op, plan, _norm2d(out_channels, plan))

    def _operate(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(x, weight, bias, padding=self.plan.padding)


class FoldedConv2d(FusedLayer):
    """Strided convolution of a picture, which the chip runs with stride 1 on the folded picture.

    Takes pictures (N, C, r H, r W), or pictures folded by the ratio r, (N, r^2 C, H, W), in every
    mode; gives (N, C_out, H, W). With ratio 2 it trains a 3x3 kernel with stride 2 and padding 1,
    9 C weights an output. The quantizer stores the equal folded kernel, which this layer loads as
    well; the extra state `fold` (2, then 1) tells it what is still to be done. With `free`, all
    9 r^2 C taps of the folded kernel are trained, for ratio 2 starting from the folded form of a
    stride-2 kernel; the chip does the same work. Larger ratios are always free: their kernel is one
    of 3r x 3r with stride r.
    """

    fold: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        free: bool = False,
        ratio: int = RATIO,
        **options: Unpack[Options],
    ) -> None:
        """For the options see `rules.Options`; padding and pooling are not among them.

        Raises:
            ToolError: the accelerator cannot do this; with what to do instead.
        """
        plan = Plan.make(3, options)
        check("FoldedConv2d", in_channels, out_channels, 3, plan, fold=ratio)
        if ratio == RATIO:
            op = nn.Conv2d(in_channels, out_channels, 3, stride=RATIO, padding=1, bias=plan.bias)
        else:
            op = nn.Conv2d(ratio**2 * in_channels, out_channels, 3, padding=1, bias=plan.bias)
        super().__init__(op, plan, _norm2d(out_channels, plan))
        self.ratio = ratio
        self.folded_channels = ratio**2 * in_channels
        self.register_buffer("fold", torch.tensor([float(RATIO) if ratio == RATIO else 1.0]))
        if free and ratio == RATIO:
            self._widen()

    def _operate(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        is_folded_picture = x.shape[1] == self.folded_channels
        is_folded_kernel = weight.shape[1] == self.folded_channels
        if not is_folded_picture and not is_folded_kernel:
            return F.conv2d(x, weight, bias, stride=RATIO, padding=1)
        x = x if is_folded_picture else fold_image(x, self.ratio)
        weight = weight if is_folded_kernel else fold_kernel(weight)
        return F.conv2d(x, weight, bias, padding=1)

    def _widen(self) -> None:
        """Hold the folded kernel from now on."""
        op = nn.Conv2d(self.folded_channels, self.op.weight.shape[0], 3, padding=1)
        op.weight = nn.Parameter(fold_kernel(self.op.weight.detach()))
        op.bias = self.op.bias
        self.op = op
        self.fold.fill_(1)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Accept the stride-2 kernel and the folded one."""
        kernel = state_dict.get(f"{prefix}op.weight")
        n_in = self.op.weight.shape[1] if kernel is None else kernel.shape[1]
        if n_in == self.folded_channels and self.fold.item() > 1:
            self._widen()
        elif kernel is not None and self.ratio == RATIO and n_in < self.op.weight.shape[1]:
            state_dict[f"{prefix}op.weight"] = fold_kernel(kernel)
        state_dict[f"{prefix}fold"] = self.fold.clone()
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def fold_of(layers: Iterable[nn.Module], n_channels: int) -> int:
    """Ratio by which the accelerator is given pictures folded that have so many channels.

    Returns:
        1 if none of the layers folds them, or if they are folded already.
    """
    ratios = (
        layer.ratio
        for layer in layers
        if isinstance(layer, FoldedConv2d) and layer.folded_channels != n_channels
    )
    return next(ratios, 1)


class ConvTranspose2d(FusedLayer):
    """Transposed convolution 3x3 with stride 2 and output padding 1: (H, W) -> (2 H, 2 W)."""

    output_axis = 1

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 3, **options: Unpack[Options]
    ) -> None:
        """For the options see `rules.Options`; the stride must be 2."""
        plan = Plan.make(kernel_size, {"stride": 2, **options})
        check("ConvTranspose2d", in_channels, out_channels, kernel_size, plan)
        op = nn.ConvTranspose2d(
            in_channels, out_channels, 3, stride=2, padding=plan.padding, bias=plan.bias
        )
        super().__init__(op, plan, _norm2d(out_channels, plan))

    def _operate(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.plan.padding
        return F.conv_transpose2d(x, weight, bias, stride=2, padding=padding, output_padding=1)


class Conv1d(FusedLayer):
    """Convolution over (N, C, L) with up to nine taps."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 3, **options: Unpack[Options]
    ) -> None:
        """For the options see `rules.Options`; pooling windows and strides are numbers."""
        plan = Plan.make(kernel_size, options, n_dims=1)
        check("Conv1d", in_channels, out_channels, kernel_size, plan)
        op = nn.Conv1d(
            in_channels,
            out_channels,
            kernel_size,
            padding=plan.padding,
            dilation=plan.dilation,
            bias=plan.bias,
        )
        norm = nn.BatchNorm1d(out_channels, momentum=BN_MOMENTUM, affine=plan.batchnorm == "Affine")
        super().__init__(op, plan, norm if plan.batchnorm else None)

    def _operate(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        plan = self.plan
        return F.conv1d(x, weight, bias, padding=plan.padding, dilation=plan.dilation)


class Linear(FusedLayer):
    """Fully connected layer over (N, features), flattened as channel, row, column."""

    def __init__(self, in_features: int, out_features: int, **options: Unpack[Options]) -> None:
        """For the options see `rules.Options`; pooling and batch norm are not among them."""
        plan = Plan.make(1, options)
        check_linear(in_features, out_features, plan)
        super().__init__(nn.Linear(in_features, out_features, bias=plan.bias), plan)

    def _operate(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(x, weight, bias)


class Pool(QatModule):
    """Pooling alone. It has no parameters, but the quantization state that the vendor's has."""

    def __init__(self, n_dims: int = 2, **options: Unpack[Options]) -> None:
        """For the options see `rules.Options`; only those of pooling matter."""
        super().__init__()
        self.plan = Plan.make(1, options, n_dims)
        check_pool(self.plan)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), or (N, C, L), to the pooled size."""
        return _pooled(x, self.plan, self)


class ElementWise(Layer):
    """Join two to sixteen tensors of equal shape, left to right, then clamp to the data range.

    Or and Xor act on the data's bytes and have no gradient.
    """

    def __init__(self, op: fixed.Combine) -> None:
        super().__init__()
        self.combine = op

    def forward(self, *operands: Tensor) -> Tensor:
        """Any shape, the same for all."""
        if self.mode is Mode.INTEGER:
            return integer.combine(operands, self.combine)
        if self.combine in (fixed.Combine.OR, fixed.Combine.XOR):
            in_bytes = tuple(torch.floor(x.detach() * fixed.DATA_ONE + 0.5) for x in operands)
            return integer.combine(in_bytes, self.combine) / fixed.DATA_ONE
        total = operands[0]
        for operand in operands[1:]:
            total = total + operand if self.combine is fixed.Combine.ADD else total - operand
        return total if not self.clamps else F.hardtanh(total, -1, DATA_MAX)


def _norm2d(channels: int, plan: Plan) -> nn.BatchNorm2d | None:
    if plan.batchnorm is None:
        return None
    return nn.BatchNorm2d(channels, momentum=BN_MOMENTUM, affine=plan.batchnorm == "Affine")


def _activated(x: Tensor, activation: Activation) -> Tensor:
    if activation is Activation.RELU:
        return F.relu(x)
    return x.abs() if activation is Activation.ABS else x


def _normalized(
    x: Tensor, bn: Norm, divisor: int, add_up: Callable[[Tensor], Tensor] | None
) -> Tensor:
    """BN(x) / divisor, with the division in the affine step."""
    assert bn.running_var is not None
    if bn.training and bn.num_batches_tracked is not None:
        bn.num_batches_tracked.add_(1)
    weight: Tensor = torch.ones_like(bn.running_var) if bn.weight is None else bn.weight
    scale, offset = weight / divisor, None if bn.bias is None else bn.bias / divisor
    mean, variance, momentum = bn.running_mean, bn.running_var, bn.momentum or 0.0
    if bn.training and add_up is not None:
        assert mean is not None
        running = BatchNorm(mean, variance, scale, offset, bn.eps)
        return normalized_over_shares(x, running, momentum, add_up)
    return F.batch_norm(x, mean, variance, scale, offset, bn.training, momentum, bn.eps)


def _pooled(x: Tensor, plan: Plan, layer: QatModule) -> Tensor:
    """Pool (N, C, H, W), or (N, C, L) as a picture of one column."""
    if plan.pool is None:
        return x
    if x.dim() == 3:
        return _pooled(x.unsqueeze(-1), plan, layer).squeeze(-1)
    size, stride = plan.pool_size, plan.pool_stride
    if plan.pool == "max":
        return F.max_pool2d(x, size, stride)
    if layer.mode is Mode.INTEGER:
        return integer.average_pool(x, size, stride)
    x = F.avg_pool2d(x, size, stride)
    x = truncate(x) if layer.mode is Mode.QAT else x
    return F.hardtanh(x, -1, DATA_MAX) if layer.clamps else x
