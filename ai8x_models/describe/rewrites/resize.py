"""Upsampling: transposed convolutions 3x3, each of which doubles rows and columns."""

from dataclasses import replace

import torch

from ai8x_models.describe.graph import Convolution, Graph, Upsample
from ai8x_models.describe.rewrites.editor import ONE, Editor, Rewritten, cycles


def upsampling_transposed(graph: Graph) -> Rewritten:
    """Repeat rows and columns by a kernel whose last two taps are 1: 2 i and 2 i + 1 read i."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        ratio = node.op.ratio if isinstance(node.op, Upsample) else 0
        if ratio < 2 or ratio & (ratio - 1) or len(node.shape) != 3:
            editor.keep(index)
            continue
        n_channels = node.shape[0]
        taps = torch.zeros(3, 3)
        taps[1:, 1:] = ONE
        weight = torch.eye(n_channels)[:, :, None, None] * taps
        last, n_cycles, n_layers = editor.new[node.inputs[0]], 0, ratio.bit_length() - 1
        for step in range(n_layers, 0, -1):
            divisor = 1 << (step - 1)
            shape = (n_channels, node.shape[1] // divisor, node.shape[2] // divisor)
            word = "" if step == 1 else f"x{ratio // divisor}"
            # Weights of its own each time: an activation may follow the last.
            layer = Convolution("ConvTranspose2d", weight.clone(), None, (2,), (1,), (1,), (1,))
            last = editor.add(node, word, layer, (last,), shape)
            n_cycles += cycles(layer, shape)
        editor.new[index] = last
        what = f"upsampling by {ratio} as {n_layers} transposed convolution{'s' * (n_layers > 1)}"
        editor.note(node, what, n_layers * weight.numel(), n_cycles)
    return editor.finished()


def transposed_kernels_padded(graph: Graph) -> Rewritten:
    """A transposed convolution 2x2 with stride 2 becomes one of 3x3 with zeros before its taps."""
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        op = node.op
        if isinstance(op, Convolution) and _is_2x2(op):
            weight = torch.zeros(*op.weight.shape[:2], 3, 3)
            weight[:, :, 1:, 1:] = op.weight.detach()
            editor.note(
                node,
                "a transposed kernel of 2x2 as one of 3x3 with zeros",
                weight.numel() - op.weight.numel(),
            )
            op = replace(op, weight=weight, padding=(1,), output_padding=(1,))
        editor.keep(index, op)
    return editor.finished()


def _is_2x2(one: Convolution) -> bool:
    sizes = (one.weight.shape[2:], one.stride, one.dilation)
    is_doubling = one.kind == "ConvTranspose2d" and [set(size) for size in sizes] == [{2}, {2}, {1}]
    return is_doubling and not any((*one.padding, *one.output_padding))
