"""The training side's answer to a drawn network: its layers, in integer mode, one after the other.

Layers are built as a user of `ai8x_models` writes them, from the network's graph and its integer
weights, and data flow from layer to layer: nothing comes from the interpreter. Placement means
nothing here, neither do FIFOs and streaming. Rolling buffers, whose contents stay from one picture
to the next, are no part of a PyTorch model; `networks()` draws none.
"""

from typing import Literal

import numpy as np
import torch
from torch import nn

from ai8x_models.layers.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    ElementWise,
    Linear,
    Pool,
)
from ai8x_models.layers.qat import Mode, set_mode
from ai8x_models.layers.rules import Options
from max78000.facts.fixed import Activation
from synthesis.graph.ir import INPUT, PoolKind
from synthesis.read.description import Operator

HAS_POOL: tuple[Operator, ...] = (Operator.CONV1D, Operator.CONV2D, Operator.CONVTRANSPOSE2D)


def torch_answers(source, graph):
    """Results of all layers, int64 (C, H, W), by index."""
    entries = {entry.name: entry for entry in source.checkpoint.layers}
    tensors = {INPUT: torch.tensor(source.image).float().unsqueeze(0)}
    with torch.inference_mode():
        for layer in graph.layers:
            operands = operands_of(layer, [tensors[source] for source in layer.sources])
            for module in modules_of(layer, entries):
                set_mode(module, Mode.INTEGER)
                operands = apply(module, operands)
            (result,) = operands
            tensors[layer.as_producer] = result.reshape(1, -1, *layer.out_shape.dims)
    return {
        layer.index: tensors[layer.as_producer].squeeze(0).numpy().astype(np.int64)
        for layer in graph.layers
    }


def operands_of(layer, sources):
    """What a layer reads, in its own rows and columns: (1, C, H, W), or (1, C, L)."""
    flat = [source.flatten(2).float() for source in sources]
    if layer.combine is None:
        flat = [torch.cat(flat, dim=1)]
    elif len(flat) == 1:
        flat = list(flat[0].chunk(layer.operands, dim=1))
    first = layer.in_crop[0] * layer.in_shape.columns
    dims = layer.in_shape.dims[:1] if layer.is_1d else layer.in_shape.dims
    pixels = slice(first, first + layer.in_shape.n_pixels)
    return [operand[:, :, pixels].unflatten(2, dims) for operand in flat]


def modules_of(layer, entries):
    """What the training side makes of a layer, in order; an `ElementWise` takes all operands."""
    pool, modules = pool_options(layer), list[nn.Module]()
    is_fused = layer.combine is None and layer.op in HAS_POOL
    if pool and not is_fused:
        modules.append(Pool(1 if layer.is_1d else 2, **pool))
    if layer.combine is not None:
        modules.insert(len(modules) if layer.pool_first else 0, ElementWise(layer.combine))
    if layer.kernel is not None:
        options: Options = {**(pool if is_fused else {}), "bias": layer.kernel.bias is not None}
        entry = entries[layer.kernel.source]
        modules.append(load(operator_of(layer, options), entry, layer.kernel))
    return modules


def apply(module, operands):
    """The operands after a module; one that joins them leaves one."""
    if isinstance(module, ElementWise):
        return [module(*operands)]
    if isinstance(module, Linear):
        return [module(operand.flatten(1)) for operand in operands]
    return [module(operand) for operand in operands]


def pool_options(layer):
    """Pooling as the training side's layers take it; nothing if there is none."""
    if not layer.pool.is_used:
        return {}
    window, stride = layer.pool.window, layer.pool.stride
    kind: Literal["max", "avg"] = "avg" if layer.pool.kind is PoolKind.AVERAGE else "max"
    if layer.is_1d:
        return {"pool": kind, "pool_size": window[0], "pool_stride": stride[0]}
    return {"pool": kind, "pool_size": window, "pool_stride": stride}


def operator_of(layer, options):
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


def load(module, entry, kernel):
    """Give a layer its integers, as a quantized checkpoint stores them.

    Weights are the checkpoint's, in PyTorch's order; what a description may say otherwise, their
    width and the shift, is the graph's.
    """
    state = module.state_dict()
    state["op.weight"] = torch.tensor(entry.weight).float()
    if kernel.bias is not None:
        state["op.bias"] = torch.tensor(kernel.bias).float() * (1 << (kernel.bits - 1))
    state["weight_bits"] = torch.tensor([float(kernel.bits)])
    state["output_shift"] = torch.tensor([float(kernel.output_shift)])
    module.load_state_dict(state)
    return module
