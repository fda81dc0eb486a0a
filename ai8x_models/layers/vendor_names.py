"""The vendor's layer names, so that a model written for its training code runs with another import.

`[Fused][MaxPool|AvgPool]<Conv2d|Conv1d|ConvTranspose2d|Linear>[BN][ReLU|Abs]`, with the vendor's
argument names and defaults (padding 0, pooling 2 by 2, batch norm "Affine"); the odd ones are kept
as they are: two 1D names end in Abs and have none. Each name constructs a layer of `layers.py`.
Depthwise and software layers, which the MAX78000 does not have, are refused by name.

Source: [trainer] its class list. Only the interface is followed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypedDict, Unpack

import torch
from torch import nn

from ai8x_models.layers import layers
from ai8x_models.layers.layers import ElementWise, FusedLayer, Pool
from ai8x_models.layers.rules import Options, Pair
from ai8x_models.layers.vendor_transforms import fold, normalize  # noqa: F401 - for data sets
from max78000.errors import UnsupportedError
from max78000.facts.chip import MAX78000
from max78000.facts.fixed import DATA_BITS, Combine

Normalization = Literal["Affine", "NoAffine"]


class VendorOptions(TypedDict, total=False):
    """Keyword arguments of the vendor's convolution classes."""

    stride: int
    padding: int
    dilation: int
    bias: bool | None
    pool_size: int | Pair
    pool_stride: int | Pair | None
    pool_dilation: int
    wide: bool
    batchnorm: Normalization | None
    weight_bits: int | None
    bias_bits: int | None
    quantize_activation: bool
    groups: int
    eps: float
    momentum: float


Constructor = Callable[..., FusedLayer]


@dataclass(frozen=True, slots=True)
class Device:
    """What models ask of `dev`, under the vendor's names."""

    WEIGHT_INPUTS: int = MAX78000.n_processors  # input channels side by side
    WEIGHT_DEPTH: int = MAX78000.kernel_words  # 3x3 kernels of each
    DATA_BITS: int = DATA_BITS


dev = Device()


class Empty(nn.Module):
    """What a search for architectures leaves where it takes a layer out: data pass."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape."""
        return x


def set_device(device: int, simulate: bool, round_avg: bool, verbose: bool = True) -> None:
    """Check what the vendor's scripts set globally: here layers keep their own state.

    Raises:
        UnsupportedError: another chip, or a global mode.
    """
    if device != 85:
        raise UnsupportedError(f"device {device} is not 85, the MAX78000", where="set_device")
    if simulate:
        fix = "load an integer checkpoint: its layers compute with integers by themselves"
        raise UnsupportedError("there is no global integer mode", where="set_device", fix=fix)
    if round_avg:
        fix = "train with truncation, which is also the chip's default"
        raise UnsupportedError(
            "average pooling with rounding is not trained", where="set_device", fix=fix
        )


def _fused(
    layer: type[layers.Conv1d | layers.Conv2d | layers.ConvTranspose2d],
    pool: Literal["max", "avg"] | None = None,
    activation: Literal["ReLU", "Abs"] | None = None,
    batchnorm: Normalization | None = None,
) -> Constructor:
    """Make the constructor of one name."""

    def construct(
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        **vendor: Unpack[VendorOptions],
    ) -> FusedLayer:
        options = _translated(vendor)
        options["batchnorm"] = vendor.get("batchnorm", batchnorm)
        options["pool"], options["activation"] = pool, activation
        has_bias = options["bias"]
        options["bias"] = has_bias or bool(options["batchnorm"])
        built = layer(in_channels, out_channels, _square(kernel_size), **options)
        if not has_bias and built.op.bias is not None:
            _start_without_bias(built)
        if built.bn is not None:
            built.bn.eps = vendor.get("eps", built.bn.eps)
            built.bn.momentum = vendor.get("momentum", built.bn.momentum)
        return built

    return construct


def _start_without_bias(layer: FusedLayer) -> None:
    """Batch norm is folded into a bias, which the vendor's layers need not have before: it is 0.

    Checkpoints that lack it are loaded.
    """
    assert layer.op.bias is not None
    nn.init.zeros_(layer.op.bias)
    layer.register_load_state_dict_pre_hook(_add_bias)  # type: ignore[no-untyped-call]


def _add_bias(module: nn.Module, state: dict[str, Any], prefix: str, *_rest: Any) -> None:
    weight = state.get(f"{prefix}op.weight")
    if isinstance(module, FusedLayer) and weight is not None:
        n_out = weight.shape[module.output_axis]
        state.setdefault(f"{prefix}op.bias", torch.zeros(n_out, dtype=weight.dtype))


def _translated(vendor: VendorOptions) -> Options:
    """Options of ours for the vendor's, with the vendor's defaults."""
    weight_bits = vendor.get("weight_bits") or None
    if (vendor.get("bias_bits") or weight_bits) != weight_bits:
        why = f"bias_bits {vendor['bias_bits']} differ from weight_bits {weight_bits}"
        raise UnsupportedError(why, fix="give both the same width, or only weight_bits")
    if vendor.get("quantize_activation") and weight_bits is None:
        why = "activations cannot be quantized alone"
        raise UnsupportedError(why, fix="give weight_bits as well, or start QAT with a policy")
    if vendor.get("pool_dilation", 1) != 1:
        why = f"pooling with dilation {vendor['pool_dilation']} does not exist on the MAX78000"
        raise UnsupportedError(why, fix="use pool_dilation=1", rule="L3")
    options = Options(
        padding=vendor.get("padding", 0),
        bias=bool(vendor.get("bias", True)),
        wide=vendor.get("wide", False),
        weight_bits=weight_bits,
        dilation=vendor.get("dilation", 1),
        groups=vendor.get("groups", 1),
        pool_size=vendor.get("pool_size", 2),
        pool_stride=vendor.get("pool_stride", 2),
    )
    if "stride" in vendor:
        options["stride"] = vendor["stride"]
    return options


def _square(kernel_size: int | Pair) -> int:
    if isinstance(kernel_size, int):
        return kernel_size
    if len(set(kernel_size)) > 1:
        why = f"kernel size {'x'.join(map(str, kernel_size))} is not square"
        raise UnsupportedError(why, fix="use 3x3 with zeros", rule="C1")
    return kernel_size[0]


def _linear(activation: Literal["ReLU", "Abs"] | None) -> Constructor:
    def construct(
        in_features: int, out_features: int, **vendor: Unpack[VendorOptions]
    ) -> FusedLayer:
        vendor.setdefault("bias", False)
        options = _translated(vendor)
        options["batchnorm"], options["activation"] = vendor.get("batchnorm"), activation
        return layers.Linear(in_features, out_features, **options)

    return construct


def _pool(kind: Literal["max", "avg"], n_dims: int) -> Callable[..., Pool]:
    def construct(
        kernel_size: int | Pair, stride: int | Pair | None = None, dilation: int = 1
    ) -> Pool:
        if dilation != 1:
            why = f"pooling with dilation {dilation} does not exist on the MAX78000"
            raise UnsupportedError(why, fix="use dilation=1", rule="L3")
        return Pool(n_dims, pool=kind, pool_size=kernel_size, pool_stride=stride)

    return construct


def __getattr__(name: str) -> object:
    """Say of a vendor's name that is missing here why it is."""
    if "Depthwise" in name:
        fix = "use a full convolution, with zeros if need be"
        raise UnsupportedError(
            f"{name}: only the MAX78002 has depthwise layers", where="", fix=fix, rule="C8"
        )
    if "SoftwareLinear" in name:
        fix = "use Linear, which the accelerator computes"
        raise UnsupportedError(f"{name}: made for a chip without linear layers", where="", fix=fix)
    raise AttributeError(f"{name} is no layer name")


Conv2d = _fused(layers.Conv2d)
FusedConv2dReLU = _fused(layers.Conv2d, activation="ReLU")
FusedConv2dAbs = _fused(layers.Conv2d, activation="Abs")
FusedConv2dBN = _fused(layers.Conv2d, batchnorm="Affine")
FusedConv2dBNReLU = _fused(layers.Conv2d, activation="ReLU", batchnorm="Affine")
FusedMaxPoolConv2d = _fused(layers.Conv2d, pool="max")
FusedMaxPoolConv2dReLU = _fused(layers.Conv2d, pool="max", activation="ReLU")
FusedMaxPoolConv2dAbs = _fused(layers.Conv2d, pool="max", activation="Abs")
FusedMaxPoolConv2dBN = _fused(layers.Conv2d, pool="max", batchnorm="Affine")
FusedMaxPoolConv2dBNReLU = _fused(layers.Conv2d, pool="max", activation="ReLU", batchnorm="Affine")
FusedMaxPoolConv2dBNAbs = _fused(layers.Conv2d, pool="max", activation="Abs", batchnorm="Affine")
FusedAvgPoolConv2d = _fused(layers.Conv2d, pool="avg")
FusedAvgPoolConv2dReLU = _fused(layers.Conv2d, pool="avg", activation="ReLU")
FusedAvgPoolConv2dAbs = _fused(layers.Conv2d, pool="avg", activation="Abs")
FusedAvgPoolConv2dBNReLU = _fused(layers.Conv2d, pool="avg", activation="ReLU", batchnorm="Affine")
FusedAvgPoolConv2dBNAbs = _fused(layers.Conv2d, pool="avg", activation="Abs", batchnorm="Affine")

Conv1d = _fused(layers.Conv1d)
FusedConv1dReLU = _fused(layers.Conv1d, activation="ReLU")
FusedConv1dAbs = _fused(layers.Conv1d, activation="Abs")
FusedConv1dBNReLU = _fused(layers.Conv1d, activation="ReLU", batchnorm="Affine")
FusedConv1dBNAbs = _fused(layers.Conv1d, activation="Abs", batchnorm="Affine")
FusedMaxPoolConv1d = _fused(layers.Conv1d, pool="max")
FusedMaxPoolConv1dReLU = _fused(layers.Conv1d, pool="max", activation="ReLU")
FusedMaxPoolConv1dAbs = _fused(layers.Conv1d, pool="max", activation="Abs")
FusedMaxPoolConv1dBN = _fused(layers.Conv1d, pool="max", batchnorm="Affine")
FusedMaxPoolConv1dBNReLU = _fused(layers.Conv1d, pool="max", activation="ReLU", batchnorm="Affine")
FusedAvgPoolConv1d = _fused(layers.Conv1d, pool="avg")
FusedAvgPoolConv1dReLU = _fused(layers.Conv1d, pool="avg", activation="ReLU")
FusedAvgPoolConv1dAbs = _fused(layers.Conv1d, pool="avg", activation="Abs")
FusedAvgPoolConv1dBNReLU = _fused(layers.Conv1d, pool="avg", activation="ReLU", batchnorm="Affine")
# The vendor derives these two from layers without activation; networks were trained that way.
# Quirk names-without-abs: so it is in the vendor's training code.
FusedMaxPoolConv1dBNAbs = _fused(layers.Conv1d, pool="max", batchnorm="Affine")
FusedAvgPoolConv1dBNAbs = _fused(layers.Conv1d, pool="avg", batchnorm="Affine")

ConvTranspose2d = _fused(layers.ConvTranspose2d)
FusedConvTranspose2dReLU = _fused(layers.ConvTranspose2d, activation="ReLU")
FusedConvTranspose2dAbs = _fused(layers.ConvTranspose2d, activation="Abs")
FusedConvTranspose2dBNReLU = _fused(layers.ConvTranspose2d, activation="ReLU", batchnorm="Affine")
FusedMaxPoolConvTranspose2d = _fused(layers.ConvTranspose2d, pool="max")
FusedMaxPoolConvTranspose2dReLU = _fused(layers.ConvTranspose2d, pool="max", activation="ReLU")
FusedMaxPoolConvTranspose2dAbs = _fused(layers.ConvTranspose2d, pool="max", activation="Abs")
FusedMaxPoolConvTranspose2dBNReLU = _fused(
    layers.ConvTranspose2d, pool="max", activation="ReLU", batchnorm="Affine"
)
FusedAvgPoolConvTranspose2d = _fused(layers.ConvTranspose2d, pool="avg")
FusedAvgPoolConvTranspose2dReLU = _fused(layers.ConvTranspose2d, pool="avg", activation="ReLU")
FusedAvgPoolConvTranspose2dAbs = _fused(layers.ConvTranspose2d, pool="avg", activation="Abs")
FusedAvgPoolConvTranspose2dBNReLU = _fused(
    layers.ConvTranspose2d, pool="avg", activation="ReLU", batchnorm="Affine"
)

Linear = _linear(None)
FusedLinearReLU = _linear("ReLU")
FusedLinearAbs = _linear("Abs")

MaxPool2d = _pool("max", 2)
AvgPool2d = _pool("avg", 2)
MaxPool1d = _pool("max", 1)
AvgPool1d = _pool("avg", 1)

Add = partial(ElementWise, Combine.ADD)
Sub = partial(ElementWise, Combine.SUB)
BitwiseOr = partial(ElementWise, Combine.OR)
BitwiseXor = partial(ElementWise, Combine.XOR)
