"""ONNX operators that are refused: in words, and so that all the others are looked at too.

`record` sees a refused operator as one call, like any function that no layer does. Where its result
can be computed, by ONNX's own reference, the operators behind it are judged as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from ai8x_models.describe.graph import Foreign
from ai8x_models.describe.refusals import foreign
from max78000.errors import UnsupportedError

_FIX = "leave it to the CPU, or out; operators read are Conv, Gemm, MaxPool, Relu, Add, ..."
_OPTIMIZED = "export it without the optimizations of a runtime, which are for its own processor"
_REAL = "export it with real numbers, or with QuantizeLinear and DequantizeLinear"
# operator -> the function of PyTorch whose words it is refused with
_FUNCTIONS: Mapping[str, str] = {
    "Attention": "scaled_dot_product_attention",
    "DepthToSpace": "pixel_shuffle",
    "Einsum": "einsum",
    "GRU": "gru",
    "GatherElements": "getitem",
    "GatherND": "getitem",
    "GroupNormalization": "group_norm",
    "InstanceNormalization": "instance_norm",
    "LSTM": "lstm",
    "LayerNormalization": "layer_norm",
    "Mish": "mish",
    "RNN": "rnn_tanh",
    "ScatterElements": "setitem",
    "ScatterND": "setitem",
    "SpaceToDepth": "pixel_unshuffle",
    "Swish": "silu",
}


def unread(op_type: str, domain: str) -> Foreign:
    """The refusal of an operator that the table of operators does not have."""
    if domain:
        return Foreign(f"`{op_type}` of {domain}", _OPTIMIZED)
    if op_type in _FUNCTIONS:
        return foreign(_FUNCTIONS[op_type])
    is_quantized = op_type.startswith("QLinear") or op_type.endswith(("Integer", "QuantizeLinear"))
    return Foreign(f"`{op_type}`", _REAL if is_quantized else _FIX)


def refused(inputs: Sequence[Tensor], op: Foreign, result: Tensor) -> Tensor:
    """What stands for the result of a refused operator while a model is recorded.

    Raises:
        UnsupportedError: nobody records, so that nobody would refuse it.
    """
    if not has_torch_function(inputs):
        raise UnsupportedError(op.why, fix=op.fix, rule=op.rule)
    found: Any = handle_torch_function(_refused, inputs, inputs, op, result)
    assert isinstance(found, Tensor)
    return found


def _refused(_inputs: Sequence[Tensor], _op: Foreign, result: Tensor) -> Tensor:
    """The call that `record` sees; `operations` takes `op` for its meaning."""
    return result.clone()
