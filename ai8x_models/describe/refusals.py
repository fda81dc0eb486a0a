"""What PyTorch can do and the accelerator cannot: why, and what to write instead.

A table for people. Sizes of layers that exist are judged by `layers.rules`.
"""

from collections.abc import Mapping
from dataclasses import replace

from ai8x_models.describe.graph import Foreign

_TRAIN_RELU = "use ReLU and train again"
_BEHIND = "the CPU can do it behind the last layer only"
_GATE = f"leave out what weighs data by data (attention, squeeze and excitation); {_BEHIND}"
_JOIN = "use ElementWise(Combine.OR) or (Combine.XOR), which act on the data's bytes"
_NORM = "use BatchNorm behind the convolution, which is folded into it"
_LINEAR_ONLY = "use convolutions over time (Conv1d, dilated)"
_REARRANGE = "keep rows, columns and channels where they are; at the end the CPU can move them"
_PARTS = (
    *("getitem", "setitem", "chunk", "split", "narrow", "index_select", "select", "stack"),
    *("new_empty", "new_zeros", "empty_like", "zeros_like"),
)

# function -> (why, what to write instead)
_REFUSED: Mapping[str, tuple[str, str]] = {
    "sigmoid": ("sigmoid", f"{_TRAIN_RELU}; {_BEHIND}"),
    "hardsigmoid": ("hard sigmoid", f"{_TRAIN_RELU}; {_BEHIND}"),
    "tanh": ("tanh", f"let data saturate at -1 and 1 and train again; {_BEHIND}"),
    "gelu": ("GELU", _TRAIN_RELU),
    "silu": ("SiLU (swish)", _TRAIN_RELU),
    "hardswish": ("hard swish", _TRAIN_RELU),
    "mish": ("mish", _TRAIN_RELU),
    "elu": ("ELU", _TRAIN_RELU),
    "leaky_relu": ("leaky ReLU", _TRAIN_RELU),
    "prelu": ("PReLU", _TRAIN_RELU),
    "softmax": ("softmax", "leave it to the CPU: `synthesize --softmax` writes it"),
    "log_softmax": ("log softmax", "leave it to the CPU: `synthesize --softmax` writes it"),
    "mul": ("multiplication", f"scale the weights of the next layer; {_BEHIND}"),
    "div": ("division", f"scale the weights of the next layer; {_BEHIND}"),
    "rdiv": ("division by data", _GATE),
    "reciprocal": ("division by data", _GATE),
    "rsub": ("subtraction from a number", "negate the weights of the layer before"),
    "bitwise_or": ("bitwise or of integers", _JOIN),
    "bitwise_xor": ("bitwise exclusive or of integers", _JOIN),
    "matmul": ("product of two tensors", "use Linear with weights of its own"),
    "bmm": ("product of two tensors", "use Linear with weights of its own"),
    "einsum": ("product of tensors", "use Linear with weights of its own"),
    "scaled_dot_product_attention": ("attention", "use convolutions"),
    "lstm": ("LSTM", _LINEAR_ONLY),
    "gru": ("GRU", _LINEAR_ONLY),
    "rnn_tanh": ("recurrent layer", _LINEAR_ONLY),
    "layer_norm": ("layer norm", _NORM),
    "group_norm": ("group norm", _NORM),
    "instance_norm": ("instance norm", _NORM),
    "conv3d": ("convolution in three dimensions", "use Conv2d with the frames as channels"),
    "conv_transpose1d": ("transposed convolution in one dimension", "use ConvTranspose2d"),
    "interpolate": (
        "resizing",
        'use mode="nearest" with a power of two, or ConvTranspose2d, which doubles the size',
    ),
    "pixel_shuffle": ("pixel shuffle", "use ConvTranspose2d, or leave it to the CPU"),
    "pixel_unshuffle": ("pixel unshuffle", "fold the input: a 3x3 first layer with stride 2"),
    "pad": ("padding on its own", "use the padding of the convolution"),
    "mean": ("mean over other axes than rows and columns", "use average pooling"),
    "max": ("maximum of tensors", "leave it to the CPU"),
    "dropout": ("dropout that stays on", "use nn.Dropout, which stops after training"),
    "embedding": ("embedding", "look it up on the CPU and give the network the result"),
    **dict.fromkeys(
        ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims"),
        ("data in another order", _REARRANGE),
    ),
    **dict.fromkeys(
        ("t", "flip", "roll", "rot90"),
        ("data in another order", _REARRANGE),
    ),
    **dict.fromkeys(
        _PARTS,
        ("a part of a tensor, or parts put together", _REARRANGE),
    ),
}  # fmt: skip
# Done to answers by applications as a matter of course.
_ON_CPU = (
    *("sigmoid", "softmax", "log_softmax", "argmax", "permute", "transpose", "getitem", "setitem"),
    *("new_empty", "new_zeros", "empty_like", "zeros_like", "pixel_shuffle", "chunk", "split"),
    *("normalize", "norm", "linalg_vector_norm", "div", "mul", "exp", "log", "stack", "tanh"),
    *("max", "topk", "sort", "expand_as", "clamp_min", "swapaxes", "swapdims", "movedim"),
    *("moveaxis", "softplus", "logsigmoid", "log_sigmoid", "square", "sqrt", "rsqrt", "pow"),
)


def foreign(function: str) -> Foreign:
    """The refusal of a function, with a name as users write it."""
    why, fix = _REFUSED.get(function, (f"`{function}`", "leave it to the CPU, or out"))
    return Foreign(why, fix, on_cpu=function in _ON_CPU)


def product_of_data(function: str) -> Foreign:
    """The refusal of a product or quotient of two tensors that both depend on the input."""
    return replace(foreign(function), fix=_GATE)
