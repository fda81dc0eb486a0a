"""Limits such as those of ReLU6: the tensor is scaled so that its data saturate there."""

from dataclasses import replace
from math import inf

from ai8x_models.describe.fused import is_known_clamp
from ai8x_models.describe.graph import Clamp, Graph
from ai8x_models.describe.rewrites.editor import Editor, Rewritten
from ai8x_models.layers.qat import DATA_MAX
from max78000.facts.fixed import DATA_ONE


def limits_scaled(graph: Graph) -> Rewritten:
    """Limits from 0, or alike on both sides, become the accelerator's own by a scale.

    What that costs is resolution: the 128 steps of the data reach from 0 to the limit.
    """
    editor = Editor(graph)
    for index, node in enumerate(graph.nodes):
        op = node.op
        if isinstance(op, Clamp) and not is_known_clamp(op) and _can_be_scaled(op):
            step = op.high / (DATA_ONE - 1)
            what = (
                f"limits {op.low:g}..{op.high:g} as those of the data, which are scaled by "
                f"{DATA_MAX / op.high:.4g}: steps of {step:.3g}; train with ReLU for finer ones"
            )
            editor.note(node, what)
            op = replace(op, is_scaled=True)
        editor.keep(index, op)
    return editor.finished()


def _can_be_scaled(op: Clamp) -> bool:
    return op.low in (0, -op.high) and 0 < op.high < inf
