"""One call of a PyTorch function: its arguments by name, its result, and what is data in it."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ai8x_models.zoo.registry import Shape

SIGNATURES: Mapping[str, str] = {
    # function          its arguments, in order
    "conv1d": "input weight bias stride padding dilation groups",
    "conv2d": "input weight bias stride padding dilation groups",
    "conv_transpose2d": "input weight bias stride padding output_padding groups dilation",
    "linear": "input weight bias",
    "matmul": "input weight",
    "mm": "input weight",
    "addmm": "bias input weight",
    "batch_norm": "input running_mean running_var weight bias training momentum eps",
    "max_pool1d": "input kernel_size stride padding dilation ceil_mode return_indices",
    "max_pool2d": "input kernel_size stride padding dilation ceil_mode return_indices",
    "avg_pool1d": "input kernel_size stride padding ceil_mode count_include_pad",
    "avg_pool2d": "input kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "adaptive_avg_pool1d": "input output_size",
    "adaptive_avg_pool2d": "input output_size",
    "adaptive_max_pool1d": "input output_size return_indices",
    "adaptive_max_pool2d": "input output_size return_indices",
    "hardtanh": "input min_val max_val",
    "clamp": "input min max",
    "clip": "input min max",
    "clamp_min": "input min",
    "clamp_max": "input max",
    "softmax": "input dim _stacklevel dtype",
    "log_softmax": "input dim _stacklevel dtype",
    "argmax": "input dim keepdim",
    "normalize": "input p dim eps",
    "transpose": "input dim0 dim1",
    "pad": "input pad mode value",
    "interpolate": "input size scale_factor mode align_corners",
    "mean": "input dim keepdim",
    "amax": "input dim keepdim",
    "cat": "tensors dim",
    "concat": "tensors dim",
    "dropout": "input p training",
    "add": "input other",
    "sub": "input other",
}  # fmt: skip


class Call:
    """Arguments of one call by name, its result, and which tensors come from the input."""

    def __init__(
        self,
        name: str,
        args: tuple[Any, ...],
        named: Mapping[str, Any],
        result: Tensor,
        is_data: Callable[[object], bool],
    ) -> None:
        names = SIGNATURES.get(name.strip("_"), "input").split()
        self.name = name
        self.values = {**dict(zip(names, args, strict=False)), **named}
        self.args = args
        self.result = result
        self.is_data = is_data

    @property
    def word(self) -> str:
        """Name of the function; one that works in place means what the other does."""
        return self.name.strip("_")

    def get(self, name: str, default: Any) -> Any:
        """An argument, or its default."""
        value = self.values.get(name)
        return default if value is None else value

    def sizes(self, name: str, default: int) -> Shape:
        """An argument that is one number for all axes, or one for each."""
        value = self.get(name, default)
        return (value,) if isinstance(value, int) else tuple(value)
