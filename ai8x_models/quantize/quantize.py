"""The quantize step: a training checkpoint in, an integer checkpoint out.

After QAT this only writes down, as integers, the numbers that training computed with already: the
integer network gives its very outputs. A checkpoint from before QAT is treated as QAT would begin,
without its training. Clip methods of the vendor's tool are offered for comparison. No data are
looked at here; `calibration.py` does that.

Source of every rule: docs/hardware/arithmetic.md#quantizing; [quantizer].
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ai8x_models.checkpoint import Checkpoint, State, file_hash, load_checkpoint, save_checkpoint
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import (
    V2_MARK,
    Grid,
    Layer,
    Mode,
    bias_grid,
    output_shift_for,
    parameter_limit,
    start_qat,
    weight_grid,
    within_shifter,
)
from ai8x_models.layers.space_to_depth import RATIO, fold_kernel
from ai8x_models.quantize.options import ClipMethod, QuantizeOptions
from ai8x_models.quantize.preparation import prepared_state
from ai8x_models.quantize.report import LayerReport, QuantizeReport
from ai8x_models.zoo.load import load_model, mode_of, restore
from ai8x_models.zoo.registry import MODELS
from max78000.errors import InputError
from max78000.facts.chip import WEIGHT_BITS
from max78000.files import make_folder

_ZERO_POINTS = ("w_zero_point", "b_zero_point")


def quantize_checkpoint(
    source: Path, target: Path, options: QuantizeOptions | None = None
) -> QuantizeReport:
    """Read a training checkpoint, write the integer checkpoint.

    Raises:
        InputError: no such checkpoint, or one that is quantized already, or contradicts itself.
    """
    options = options or QuantizeOptions()
    trained = load_checkpoint(source)
    try:
        _refuse_integers(trained)
        notes = trained.notes + _training_notes(trained.state_dict)
        parameters, more = prepared_state(_as_in_qat(trained, options, str(source)), options)
        state, layers = quantize_state(parameters, replace(options, no_bias=frozenset()))
    except InputError as error:
        raise InputError(
            error.why, where=f"{source} {error.where}".rstrip(), fix=error.fix
        ) from error
    method = options.clip_method.value if options.clip_method else "MAX_BIT_SHIFT"
    extras = {**trained.extras, "clipping_method": method, "quantized_from": file_hash(source)}
    if options.clip_method is ClipMethod.SCALE:
        extras["clipping_scale"] = options.scale
    if options.clip_method is ClipMethod.STDDEV:
        extras["clipping_nstds"] = options.n_deviations
    make_folder(target.parent)
    save_checkpoint(target, replace(trained, state_dict=state, extras=extras, optimizer={}))
    return QuantizeReport(trained.arch, layers, notes + more)


def quantize_state(
    state: Mapping[str, Tensor], options: QuantizeOptions
) -> tuple[State, tuple[LayerReport, ...]]:
    """Quantize every layer of a state dictionary with bare names, which is left as it is.

    Returns:
        State dictionary in the same order, and one report a layer.
    """
    result, _ = prepared_state(state, options)
    names = [name for name in result if name.endswith(".weight")]
    unknown = set(options.weight_bits) - {_layer_of(name) for name in names}
    if unknown:
        why = f"there is no layer {', '.join(sorted(unknown))} to set the weight width of"
        raise InputError(why, fix=f"layers are {', '.join(map(_layer_of, names))}")
    reports = tuple(_quantize_layer(result, name, options) for name in names)
    for name in list(result):
        parameter = name.rsplit(".", 1)[-1]
        if parameter in ("adjust_output_shift", "quantize_activation"):
            result[name] = torch.full_like(result[name], parameter == "quantize_activation")
        elif parameter in _ZERO_POINTS and result[name].count_nonzero():
            raise InputError("is not zero, and zero points do not exist on the chip", where=name)
        if parameter in (*_ZERO_POINTS, "base_b_q"):
            del result[name]
    return result, reports


def load_integer_model(path: Path) -> nn.Module:
    """Make the network of an integer checkpoint; its inputs and outputs are integers.

    Raises:
        InputError: no checkpoint, unknown network, or not quantized.
    """
    return integer_only(load_model(path), path)


def integer_only(model: nn.Module, path: Path) -> nn.Module:
    """The network of a checkpoint, if it is in integers; raises as `load_integer_model`."""
    if mode_of(model) is not Mode.INTEGER:
        raise InputError(
            "holds no integer weights", where=str(path), fix="quantize it: ai8x quantize IN OUT"
        )
    return model


def integer_activations(
    model: nn.Module, data: NDArray[np.integer[Any]]
) -> dict[str, NDArray[np.int32]]:
    """Output of every layer of an integer network, in the order they run.

    Args:
        model: in integer mode.
        data: (N, C, H, W), -128..127, folded or not.

    Returns:
        (N, C_out, H_out, W_out) by layer name: bytes, or accumulators of 32-bit outputs.
    """
    outputs: dict[str, NDArray[np.int32]] = {}

    def keep(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(_layer: nn.Module, _inputs: Any, output: Tensor) -> None:
            outputs[name] = output.to(torch.int32).contiguous().numpy()

        return hook

    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, Layer)]
    if not all(layer.mode is Mode.INTEGER for _, layer in layers):
        raise InputError("the network is not in integer mode", fix="quantize its checkpoint first")
    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers]
    try:
        with torch.no_grad():
            model(torch.from_numpy(data.astype(np.float32)))
    finally:
        for handle in handles:
            handle.remove()
    return outputs


def _refuse_integers(trained: Checkpoint) -> None:
    """Quantizing twice would lose the weights, and subtract thresholds twice."""
    weights = [
        tensor
        for name, tensor in trained.state_dict.items()
        if name.endswith(".weight") and tensor.dim() > 1
    ]
    method = trained.extras.get("clipping_method")
    if method and weights and all(torch.equal(weight, weight.round()) for weight in weights):
        _integers_already(f"its extras say clipping_method {method}", trained.state_dict)


def _integers_already(reason: str, state: Mapping[str, Tensor], layer: str = "") -> NoReturn:
    why = f"the weights are integers already: {reason}"
    if any(name.endswith(f".{V2_MARK}") for name in state):
        why += "; quantizing twice would subtract the activation thresholds twice"
    fix = "quantize the checkpoint that training wrote"
    raise InputError(why, where=layer, fix=fix)


def _training_notes(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What the file says about QAT, if it has seen less than all of it."""
    layers = [_layer_of(name) for name in state if name.endswith(".op.weight")]
    n_trained = sum(bool(_stored(state, layer, "quantize_activation", 0)) for layer in layers)
    notes = []
    if n_trained < len(layers) or not layers:
        n_untrained = f"{len(layers) - n_trained} of {len(layers)}" if layers else "all"
        notes.append(
            f"{n_untrained} layers never saw quantization-aware training:"
            " answers may be much worse than in float; train with QAT, or give samples:"
            " --calibrate SAMPLES.npy"
        )
    marked = [layer for layer in layers if f"{layer}.{V2_MARK}" in state]
    if 0 < len(marked) < len(layers):
        notes.append(
            f"{len(marked)} of {len(layers)} layers have thresholds (QATv2); the others are"
            " taken for the first generation"
        )
    elif marked and not n_trained and any(".bn." in name for name in state):
        notes.append(
            "batch norm is folded without the quarter, as QATv2 does; a file of the first"
            " generation that the newer trainer has completed looks the same, and would be wrong"
        )
    return tuple(notes)


def _as_in_qat(trained: Checkpoint, options: QuantizeOptions, where: str) -> Mapping[str, Tensor]:
    """Parameters as QAT has them; a network of ours that never saw QAT is put into it."""
    known = any(trained.arch.lower() == name.lower() for name in MODELS)
    is_of_file = "model" in trained.extras  # of that name, perhaps, but another one
    if not known or is_of_file or options.clip_method is not None:
        return trained.state_dict
    model = restore(trained, where)
    if mode_of(model) is Mode.FLOAT:
        start_qat(model, QatPolicy(0, options.default_weight_bits, options.weight_bits))
    state: State = model.state_dict()
    return state


def _layer_of(weight_name: str) -> str:
    """conv1 of conv1.op.weight."""
    return weight_name.rsplit(".", 2)[0]


def _quantize_layer(state: State, weight_name: str, options: QuantizeOptions) -> LayerReport:
    """Replace one layer's entries by integers."""
    layer, bias_name = _layer_of(weight_name), weight_name.removesuffix("weight") + "bias"
    weight, bias = state[weight_name].float(), state.get(bias_name)
    _check_weight(state, weight, layer)
    bits = _weight_bits(state, layer, options)
    limit = parameter_limit(weight, bias, _stored(state, layer, "shift_quantile", 1.0))
    shift, factor = _scaling(state, layer, weight, output_shift_for(limit, bits), options)
    shift, note = _less_threshold(state, layer, bits, shift, options)
    one = weight_grid(bits).one
    integers, n_clipped = _to_integers(weight, factor, weight_grid(bits))
    quality = _qsnr_db(weight, integers / (factor * one))
    state[f"{layer}.weight_bits"] = torch.tensor([float(bits)])
    state[f"{layer}.output_shift"] = torch.tensor([float(shift)])
    state[weight_name] = integers
    if _stored(state, layer, "fold", 1.0) == RATIO:
        state[weight_name] = fold_kernel(integers)
        state[f"{layer}.fold"] = torch.ones(1)
    n_parameters = weight.numel()
    if bias is not None:
        bias_bits = _bias_bits(state, layer, bits, options)
        bias_integers, n_bias_clipped = _to_integers(
            bias.float(), factor, bias_grid(bits, bias_bits)
        )
        state[bias_name] = bias_integers * one
        state[f"{layer}.bias_bits"] = torch.tensor([float(bias_bits)])
        n_clipped += n_bias_clipped
        n_parameters += bias.numel()
    counts = (n_parameters, n_clipped)
    return LayerReport(layer, bits, shift, limit.item(), *counts, quality, factor, note)


def _check_weight(state: State, weight: Tensor, layer: str) -> None:
    if weight.dim() < 2:
        fix = "name the network's batch norms `bn`, or fold them before"
        raise InputError("a weight has one dimension, as only batch norm has", where=layer, fix=fix)
    if not weight.isfinite().all():
        raise InputError("weights are not all finite", where=layer, fix="train with a lower rate")
    is_done = _stored(state, layer, "quantize_activation", 0) and not _stored(
        state, layer, "adjust_output_shift", 1
    )
    largest = weight.abs().max()
    if (largest > 1 or (is_done and largest == 1)) and torch.equal(weight, weight.round()):
        _integers_already("whole numbers above 1, or the state of a quantized layer", state, layer)


def _less_threshold(
    state: State, layer: str, weight_bits: int, shift: int, options: QuantizeOptions
) -> tuple[int, str]:
    """Output shift of a layer of the second generation, and a note where limits changed it."""
    if f"{layer}.{V2_MARK}" not in state or options.clip_method is not None:
        return shift, ""
    wanted = shift - _stored(state, layer, V2_MARK, 0.0)
    right = within_shifter(wanted, weight_bits)
    # Quirk shift-limits-v2: the vendor's limits have the wrong sign, which shows below 8 bits.
    vendors = int(max(-7 - weight_bits, min(23 - weight_bits, wanted)))
    chosen = right if options.has_chip_limits else vendors
    if chosen == wanted:
        is_possible = chosen == right
        note = "" if is_possible else f"an output shift of {chosen} does not exist on the chip"
        return chosen, note
    why = f"its output shift should be {wanted:g} and is cut to {chosen}"
    is_avoidable = chosen != right
    return chosen, f"{why}, as by the vendor; --chip-limits gives {right}" if is_avoidable else why


def _weight_bits(state: State, layer: str, options: QuantizeOptions) -> int:
    stored = int(_stored(state, layer, "weight_bits", 0))
    bits = options.weight_bits.get(layer) or stored or options.default_weight_bits
    if bits not in WEIGHT_BITS:
        raise InputError(f"{bits} bits is not a weight width", where=layer, fix="use 1, 2, 4 or 8")
    return bits


def _bias_bits(state: State, layer: str, weight_bits: int, options: QuantizeOptions) -> int:
    """Width of a layer's biases: the weights', unless they have been calibrated for a byte."""
    stored = int(_stored(state, layer, "bias_bits", 0))
    is_own = options.has_chip_limits and f"{layer}.{V2_MARK}" in state
    return max(weight_bits, stored) if is_own else weight_bits


def _stored(state: Mapping[str, Tensor], layer: str, parameter: str, default: float) -> float:
    tensor = state.get(f"{layer}.{parameter}")
    return default if tensor is None else float(tensor)


def _scaling(
    state: State, layer: str, weight: Tensor, chosen_shift: int, options: QuantizeOptions
) -> tuple[int, float]:
    """Output shift of a layer, and the factor its parameters are multiplied by before rounding.

    A layer that was in QAT without adjusting its shift (`fixed_scale`) is rounded as it was there.
    """
    stored_shift = int(_stored(state, layer, "output_shift", 0))
    if options.clip_method is not None:
        _refuse_scaled(state, layer)
        return stored_shift, _clip_factor(weight, options)
    in_qat = _stored(state, layer, "quantize_activation", 0)
    if in_qat and not _stored(state, layer, "adjust_output_shift", 1):
        return stored_shift, 1.0
    return chosen_shift, 2.0**-chosen_shift


def _refuse_scaled(state: State, layer: str) -> None:
    """Clip methods leave shifts alone, and these belong to thresholds."""
    if _stored(state, layer, V2_MARK, 0) or _stored(state, layer, "final_scale", 0):
        why = "has a threshold or a final scale (QATv2), which clip methods would leave out"
        raise InputError(why, where=layer, fix="leave --clip-method out")


def _clip_factor(weight: Tensor, options: QuantizeOptions) -> float:
    """Factor of the vendor's clip methods."""
    # Quirk clip-factor: one would divide by these; the vendor multiplies.
    lowest, highest = weight.min(), weight.max()
    match options.clip_method:
        case ClipMethod.MAX:
            return float(max(lowest.abs(), highest.abs()))
        case ClipMethod.AVGMAX:
            per_output = weight.flatten(1)
            return float(max(per_output.amin(1).mean().abs(), per_output.amax(1).mean().abs()))
        case ClipMethod.STDDEV:
            mean, reach = weight.mean(), options.n_deviations * weight.std()
            return float(max(max(lowest, mean - reach).abs(), min(highest, mean + reach).abs()))
        case _:
            return options.scale


def _to_integers(parameters: Tensor, factor: float, grid: Grid) -> tuple[Tensor, int]:
    """Integers of this grid, and how many parameters did not fit.

    1.0 becomes the largest integer, which is one less: that counts as rounding, not as clipping.
    """
    rounded = torch.floor(parameters * (factor * grid.one) + 0.5)
    integers = rounded.clamp(grid.low, grid.high)
    return integers, int(((rounded - integers).abs() > 1).sum())


def _qsnr_db(weight: Tensor, restored: Tensor) -> float:
    error = (weight - restored).double().square().sum()
    power = weight.double().square().sum()
    return float(10 * torch.log10(power / error)) if error > 0 else math.inf
