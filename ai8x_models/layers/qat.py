"""Quantization-aware training: fake quantization, and the state that each layer carries.

In QAT a layer computes with weights, biases and activations rounded to what the accelerator can
hold, while gradients pass the rounding as if it were not there. This is the floating-point twin of
`max78000.facts.fixed`, and as exact: from quantized data, a layer in QAT gives the very numbers
(divided by 128, or by 2^14 for wide output) that its integers give. The mode of a layer is the
layer's own; there is no global switch. What the layers compute is in `layers.py`.

The vendor's trainer has two generations, and so have layers. Those of the second (QATv2, since
December 2024) are told by three more entries of their state: before QAT they neither clamp nor
divide after batch norm; in QAT the range of each result was measured (`activation_threshold`), the
output shift is less by it, and what leaves the network is multiplied back (`final_scale`).
Source: docs/hardware/arithmetic.md#qatv2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any

import torch
from torch import Tensor, nn

from ai8x_models.layers.policy import QatPolicy
from max78000.errors import InputError, raise_all
from max78000.facts.fixed import DATA_ONE, scale_by


class Mode(Enum):
    """What numbers a layer computes with."""

    FLOAT = "float: activations are clamped, nothing is rounded"
    QAT = "quantization-aware: real numbers on the accelerator's grid"
    INTEGER = "integer: the accelerator's own numbers"


@dataclass(frozen=True, slots=True)
class Grid:
    """The multiples of 1/`one` from `low`/`one` to `high`/`one`."""

    low: int
    high: int
    one: int


DATA_MAX = (DATA_ONE - 1) / DATA_ONE
STATE_NAMES = (
    "output_shift",
    "weight_bits",
    "bias_bits",
    "quantize_activation",
    "adjust_output_shift",
    "shift_quantile",
)


# What layers of the second generation have as well; element-wise ones only the first of these.
V2_NAMES = ("activation_threshold", "final_scale", "clamp_activation")
V2_MARK = V2_NAMES[0]

DATA_GRID = Grid(-DATA_ONE, DATA_ONE - 1, DATA_ONE)
# Quirk wide-range: the vendor trains 32-bit outputs within +-2^15; the chip does not clamp them.
WIDE_GRID = Grid(-(1 << 29), 1 << 29, 1 << 14)


def weight_grid(weight_bits: int) -> Grid:
    """Where weights and biases of this width lie: -1 to just below 1."""
    one = 1 << (weight_bits - 1)
    return Grid(-one, one - 1, one)


def bias_grid(weight_bits: int, bias_bits: int) -> Grid:
    """Where biases lie: in steps of the weights, as far as their own width reaches."""
    reach = 1 << (max(weight_bits, bias_bits) - 1)
    return Grid(-reach, reach - 1, weight_grid(weight_bits).one)


class _FakeQuantize(torch.autograd.Function):
    """See `fake_quantize`. Saves its input only, and goes back in one pass over it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Grid, gain: float, rectify: bool) -> Tensor:
        scale = gain * grid.one
        low = 0.0 if rectify else (grid.low - 0.5) / scale
        ctx.save_for_backward(x)
        ctx.limits = (low, (grid.high + 0.5) / scale)
        ctx.gain = gain
        y = x.mul(scale).add_(0.5).floor_().clamp_(0 if rectify else grid.low, grid.high)
        return y.mul_(1 / grid.one)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None, None]:
        (x,) = ctx.saved_tensors
        grad: Tensor = torch.ops.aten.hardtanh_backward(grads[0], x, *ctx.limits)
        return grad if ctx.gain == 1 else grad.mul_(ctx.gain), None, None, None


def fake_quantize(x: Tensor, grid: Grid, gain: float = 1.0, rectify: bool = False) -> Tensor:
    """Round `x * gain` half up to the grid and clamp it there, for numbers that stay real.

    Args:
        x: float tensor.
        grid: target numbers.
        gain: power of two.
        rectify: apply ReLU on the way.

    Returns:
        Same shape. Its gradient is `gain` where the result was not clamped, zero elsewhere.
    """
    y: Tensor = _FakeQuantize.apply(x.float(), grid, gain, rectify)  # type: ignore[no-untyped-call]
    return y


def truncate(x: Tensor) -> Tensor:
    """Round data toward zero to multiples of 1/128, as average pooling does; gradient 1."""
    rounded = torch.trunc(x.detach() * DATA_ONE) / DATA_ONE
    return x + (rounded - x.detach()) if x.requires_grad else rounded


def parameter_limit(weight: Tensor, bias: Tensor | None, quantile: float) -> Tensor:
    """Magnitude that weights and biases together stay below, but for the share 1 - `quantile`.

    Linear interpolation between order statistics, with 1.0 the maximum. Training and the quantizer
    share it, so that both find the same shift.

    Returns:
        Scalar float32 tensor.
    """
    # Quirk shift-quantile: one routine for training and quantizing; the vendor has two.
    parts = [weight.detach().flatten()] + ([] if bias is None else [bias.detach().flatten()])
    magnitudes = torch.cat(parts).abs().float()
    if quantile >= 1:
        return magnitudes.amax()
    position = quantile * (magnitudes.numel() - 1)
    lower = int(position)
    largest = magnitudes.topk(magnitudes.numel() - lower).values  # few, for quantiles near 1
    below, above = largest[-1], largest[max(0, largest.numel() - 2)]
    return torch.lerp(below, above, position - lower)


def output_shift_for(limit: Tensor, weight_bits: int) -> int:
    """Output shift that lets the largest weight fill the range: 0.519 -> 0, 0.27 -> -1, 5.82 -> 3.

    The weights are multiplied by 2^-shift before rounding, the sums by 2^shift after. Kept within
    what the shifter takes for this weight width. float32 throughout, like the vendor's tool.
    """
    exponent = float(torch.floor(torch.log2(1 / limit.float().cpu())))
    return within_shifter(-exponent, weight_bits)


def within_shifter(shift: float, weight_bits: int) -> int:
    """The nearest output shift that the chip has: 15 bits either way, less 8 - `weight_bits`."""
    lowest, highest = weight_bits - 23, weight_bits + 7
    return int(max(lowest, min(highest, shift)))


class Layer(nn.Module):
    """A module that knows in which mode it computes, and of which generation it is."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = Mode.FLOAT

    @property
    def is_v2(self) -> bool:
        """True for a layer of the vendor's second generation, which has a threshold."""
        return V2_MARK in self._buffers

    @property
    def clamps(self) -> bool:
        """False while results go through as they are: second generation, before QAT."""
        return not self.is_v2 or self.mode is not Mode.FLOAT

    def set_generation(self, is_v2: bool) -> None:
        """Have the entries of this generation, and not those of the other; they begin at 0."""
        if is_v2 and not self.is_v2:
            self.register_buffer(V2_MARK, torch.tensor(0.0))
        elif not is_v2:
            self._buffers.pop(V2_MARK, None)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Become what the stored layer is."""
        self.set_generation(f"{prefix}{V2_MARK}" in state_dict)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


class QatModule(Layer):
    """A layer with parameters, and its quantization state under the vendor's checkpoint names.

    Six one-element buffers hold what checkpoints store: `output_shift`, `weight_bits` and
    `bias_bits` (0 before QAT), `quantize_activation`, `adjust_output_shift` (1 while QAT chooses
    the shift) and `shift_quantile`. `mode` follows them when a state dictionary is loaded. Layers
    of the second generation have `activation_threshold` and `final_scale`, powers of two as their
    logarithms, and `clamp_activation`.
    """

    output_shift: Tensor
    weight_bits: Tensor
    bias_bits: Tensor
    quantize_activation: Tensor
    adjust_output_shift: Tensor
    shift_quantile: Tensor

    def __init__(self, fixed_scale: bool = False) -> None:
        """Start in float mode; with `fixed_scale`, QAT never rescales the weights."""
        super().__init__()
        for name in STATE_NAMES:
            self.register_buffer(name, torch.tensor([1.0 if name == "shift_quantile" else 0.0]))
        self.fixed_scale = fixed_scale

    @property
    def clamps(self) -> bool:
        """As the stored layer says; see `Layer.clamps`."""
        return super().clamps or bool(self.get_buffer("clamp_activation").item())

    @property
    def final_gain(self) -> float:
        """What a result is multiplied by, last of all; 1 for all but outputs in QAT.

        The chip does not do this; in integer mode results are those of the chip. Software
        multiplies when it unloads them.
        """
        return 2.0 ** self.get_buffer("final_scale").item() if self.is_v2 else 1.0

    def unloaded(self, answer: Tensor) -> Tensor:
        """What software makes of an integer answer when it unloads it; see `fixed.scale_by`."""
        if not self.is_v2:
            return answer
        is_wide, scale = answer.dtype is torch.int32, int(self.get_buffer("final_scale").item())
        integers = scale_by(answer.to(torch.int64).numpy(), scale, 32 if is_wide else 16)
        return torch.from_numpy(integers).to(answer.dtype)

    def set_generation(self, is_v2: bool) -> None:
        """See `Layer.set_generation`."""
        super().set_generation(is_v2)
        if is_v2 and "final_scale" not in self._buffers:
            self.register_buffer("final_scale", torch.tensor(0.0))
            self.register_buffer("clamp_activation", torch.tensor([False]))
        elif not is_v2:
            self._buffers.pop("final_scale", None)
            self._buffers.pop("clamp_activation", None)

    def fold_batchnorm(self) -> None:
        """Replace batch norm by other weights; for layers that can have one to override."""

    def enter_qat(self, weight_bits: int, shift_quantile: float = 1.0) -> None:
        """Fold batch norm and compute on the grid from now on."""
        if self.mode is Mode.INTEGER:
            why = "a layer that holds integer weights cannot be trained"
            raise InputError(why, fix="start from the checkpoint that was quantized")
        self.fold_batchnorm()
        adjust = not self.fixed_scale
        for name, value in zip(
            STATE_NAMES, (0, weight_bits, weight_bits, 1, adjust, shift_quantile), strict=True
        ):
            self.get_buffer(name).fill_(value)
        if self.is_v2:
            self.get_buffer("clamp_activation").fill_(True)
        self.mode = Mode.QAT

    def parameters_in_use(
        self, weight: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Tensor | None, float]:
        """Weight and bias to compute with, and the factor that the result is multiplied by.

        In QAT both lie on the grid of the weight width, scaled by 2^-shift, and the factor is
        2^shift, less by the threshold; the shift is chosen anew from the present parameters.
        """
        if self.mode is not Mode.QAT:
            gain: float = 2.0 ** self.output_shift.item()
            if self.fixed_scale:
                weight = weight.clamp(-1, DATA_MAX)
                bias = None if bias is None else bias.clamp(-1, DATA_MAX)
            return weight, bias, gain
        bits, adjusts = int(self.weight_bits.item()), bool(self.adjust_output_shift.item())
        if adjusts:
            limit = parameter_limit(weight, bias, self.shift_quantile.item())
            self.output_shift.fill_(output_shift_for(limit, bits))
        gain = 2.0 ** self.output_shift.item()
        scale = 1 / gain if adjusts else 1.0
        weight = fake_quantize(weight, weight_grid(bits), scale)
        if bias is not None:
            of_bias = bias_grid(bits, int(self.bias_bits.item()) if self.is_v2 else bits)
            bias = fake_quantize(bias, of_bias, scale)
        if self.is_v2:
            shift = self.output_shift.item() - self.get_buffer(V2_MARK).item()
            gain = 2.0 ** within_shifter(shift, bits)
        return weight, bias, gain

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take the state as it comes (older files lack some of it) and set the mode it implies."""
        for name in STATE_NAMES:
            stored = state_dict.get(prefix + name, self.get_buffer(name))
            state_dict[prefix + name] = torch.as_tensor(stored).reshape(1)
        if f"{prefix}{V2_MARK}" in state_dict:
            self._complete_v2(state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        self.mode = stored_mode(state_dict, prefix)

    def _complete_v2(self, state_dict: dict[str, Any], prefix: str) -> None:
        """Take the second generation's entries in either shape; two of them may be missing."""
        for name, default in zip(V2_NAMES, (0.0, 0.0, False), strict=True):
            stored = torch.as_tensor(state_dict.get(prefix + name, default))
            state_dict[prefix + name] = stored.reshape((1,) if name == "clamp_activation" else ())


def stored_mode(state: Mapping[str, Tensor], prefix: str) -> Mode:
    """Mode of a stored layer: integers are told from QAT weights by being whole numbers."""
    if not state[prefix + "quantize_activation"].item():
        return Mode.QAT if state[prefix + "weight_bits"].item() else Mode.FLOAT
    weight = state.get(prefix + "op.weight")
    adjusts = bool(state[prefix + "adjust_output_shift"].item())
    # Quirk whole-number-weights: with a fixed scale nothing else tells integers from QAT.
    if adjusts or (weight is not None and not torch.equal(weight, weight.round())):
        return Mode.QAT
    return Mode.INTEGER


def start_qat(model: nn.Module, policy: QatPolicy) -> None:
    """Fold batch norm everywhere and let every layer compute on the accelerator's grid.

    The parameters are the same tensors with new values, which an optimizer's averages do not fit.

    Raises:
        InputError: an override names no layer, the model holds integer weights, or the policy asks
            for measured ranges and the model's were not measured.
    """
    if policy.measures and not has_measured_ranges(model):
        why = "ranges are measured on data, which `start_qat` has not"
        fix = "call ai8x_models.training.measured_qat.start_measured_qat, or set ranges to fixed"
        raise InputError(why, where="ranges", fix=fix)
    enter_qat(model, policy)


def enter_qat(model: nn.Module, policy: QatPolicy) -> None:
    """As `start_qat`, with the ranges that the layers have, or are about to load."""
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, QatModule)}
    tables = {"overrides": policy.overrides, "quantile_overrides": policy.quantile_overrides}
    raise_all(
        InputError("names no layer of the model", where=f"{key}.{name}", fix=_nearest(name, layers))
        for key, table in tables.items()
        for name in table
        if name not in layers
    )
    for name, layer in layers.items():
        layer.enter_qat(policy.weight_bits_of(name), policy.shift_quantile_of(name))
    set_mode(model, Mode.QAT)  # also of layers without parameters


def has_measured_ranges(model: nn.Module) -> bool:
    """True if this is a network of the second generation in QAT."""
    layers = [layer for layer in model.modules() if isinstance(layer, QatModule)]
    return bool(layers) and all(layer.is_v2 and layer.mode is Mode.QAT for layer in layers)


def _nearest(name: str, layers: Mapping[str, object]) -> str:
    return f"nearest: {', '.join(get_close_matches(name, layers, cutoff=0.3)) or 'none'}"


def set_generation(model: nn.Module, is_v2: bool) -> None:
    """Let all layers be of one generation; see `Layer.set_generation`."""
    for module in model.modules():
        if isinstance(module, Layer):
            module.set_generation(is_v2)


def set_mode(model: nn.Module, mode: Mode) -> None:
    """Set the mode of every layer, for parameters that came without their quantization state."""
    for module in model.modules():
        if isinstance(module, Layer):
            module.mode = mode
