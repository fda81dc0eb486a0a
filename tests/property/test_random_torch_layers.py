"""PyTorch's integer mode and the compiler's interpreter give the same bytes, on random layers."""

from typing import Literal

import numpy as np
import torch
from hypothesis import HealthCheck, assume, given, settings
from property.agreement import compile_or_refuse
from property.strategies import networks
from torch import nn

from ai8x_models.layer_rules import Options
from ai8x_models.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    ElementWise,
    FusedLayer,
    Linear,
    Pool,
)
from ai8x_models.qat import Mode, set_mode
from max78000.fixed import Activation
from synthesis.checkpoint import LayerWeights
from synthesis.compile import Source
from synthesis.description import Operator
from synthesis.ir import Layer, PoolKind


def pool_options(layer: Layer) -> Options:
    """Pooling as the training side's layers take it; nothing if there is none."""
    if not layer.pool.is_used:
        return {}
    window, stride = layer.pool.window, layer.pool.stride
    kind: Literal["max", "avg"] = "avg" if layer.pool.kind is PoolKind.AVERAGE else "max"
    if layer.is_1d:
        return {"pool": kind, "pool_size": window[0], "pool_stride": stride[0]}
    return {"pool": kind, "pool_size": window, "pool_stride": stride}


def operator_of(layer: Layer, options: Options) -> FusedLayer:
    """The layer's convolution or product with its activation, its weights still arbitrary."""
    n_inputs, n_outputs = layer.in_shape.channels, layer.out_shape.channels
    if layer.activation is not Activation.NONE:
        options["activation"] = "ReLU" if layer.activation is Activation.RELU else "Abs"
    options["wide"] = layer.output_width == 32
    if layer.op is Operator.LINEAR:
        return Linear(n_inputs * layer.in_shape.n_pixels, n_outputs, **options)
    options["padding"] = layer.pad[0]
    if layer.op is Operator.CONV1D:
        options["dilation"] = layer.dilation
        return Conv1d(n_inputs, n_outputs, layer.kernel_size[0], **options)
    kind = ConvTranspose2d if layer.op is Operator.CONVTRANSPOSE2D else Conv2d
    return kind(n_inputs, n_outputs, layer.kernel_size[0], **options)


def load(module: FusedLayer, entry: LayerWeights) -> FusedLayer:
    """Give a layer its integers, as a quantized checkpoint stores them."""
    assert entry.weight_bits is not None
    state = module.state_dict()
    state["op.weight"] = torch.tensor(entry.weight).float()
    if entry.bias is not None:
        state["op.bias"] = torch.tensor(entry.bias).float() * (1 << (entry.weight_bits - 1))
    state["weight_bits"] = torch.tensor([float(entry.weight_bits)])
    state["output_shift"] = torch.tensor([float(entry.output_shift)])
    module.load_state_dict(state)
    return module


def modules_of(layer: Layer, entries: tuple[LayerWeights, ...]) -> list[nn.Module]:
    """What the training side makes of a layer, in order; an `ElementWise` takes all operands."""
    pool, modules = pool_options(layer), list[nn.Module]()
    is_pooled_by_operator = layer.combine is None and layer.op in (Operator.CONV2D, Operator.CONV1D)
    if pool and not is_pooled_by_operator:
        modules.append(Pool(1 if layer.is_1d else 2, **pool))
    if layer.combine is not None:
        modules.insert(len(modules) if layer.pool_first else 0, ElementWise(layer.combine))
    if layer.kernel is not None:
        options: Options = pool if is_pooled_by_operator else {}
        options["bias"] = entries[0].bias is not None
        modules.append(load(operator_of(layer, options), entries[0]))
    return modules


def torch_answer(source: Source, layer: Layer) -> np.ndarray:
    """The result of a network's only layer, computed by the training side in integer mode."""
    shape = (layer.operands, 1, layer.in_shape.channels, *layer.in_shape.dims)
    data = list(torch.tensor(source.image).float().reshape(shape))
    if layer.is_1d:
        data = [operand.squeeze(-1) for operand in data]
    for module in modules_of(layer, source.checkpoint.layers):
        set_mode(module, Mode.INTEGER)
        if isinstance(module, ElementWise):
            data = [module(*data)]
        elif isinstance(module, Linear):
            data = [module(operand.reshape(1, -1)) for operand in data]
        else:
            data = [module(operand) for operand in data]
    (result,) = data
    values: np.ndarray = result.detach().numpy().astype(np.int64)
    return values.reshape(-1, *layer.out_shape.dims)


@settings(
    max_examples=80,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(networks(max_layers=1))
def test_integer_mode_equals_interpreter(source: Source) -> None:
    compiled = compile_or_refuse(source)
    assume(compiled is not None)
    assert compiled is not None
    (layer,) = compiled.graph.layers
    assert (torch_answer(source, layer) == compiled.results[0]).all()
