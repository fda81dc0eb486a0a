"""From a checkpoint to its network, in the numbers that the checkpoint has."""

from pathlib import Path

import torch
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint
from ai8x_models.layers.qat import Mode, QatModule, set_mode
from ai8x_models.zoo.registry import create_model
from max78000.errors import InputError

_OURS = __name__.partition(".")[0]


def load_model(path: Path) -> nn.Module:
    """Make the network of a checkpoint, in the checkpoint's mode, ready to evaluate.

    Raises:
        InputError: the file is no checkpoint, names an unknown network, or does not fit it.
    """
    return restore(load_checkpoint(path), str(path))


def restore(checkpoint: Checkpoint, where: str) -> nn.Module:
    """Make the network of a checkpoint that was read already; see `load_model`."""
    try:
        model = create_model(checkpoint.arch)
    except InputError as error:
        raise InputError(error.why, where=where, fix=error.fix) from error
    return fill(model, checkpoint, where)


def fill(model: nn.Module, checkpoint: Checkpoint, where: str) -> nn.Module:
    """Give a new network the weights of a checkpoint, and its mode; raises as `load_model`."""
    fix = "compare the checkpoint's origin with the present code"
    try:
        keys = model.load_state_dict(checkpoint.state_dict, strict=False)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise InputError(
            f"does not fit {checkpoint.arch}: {detail}", where=where, fix=fix
        ) from error
    for word, names in (("lacks", keys.missing_keys), ("has unknown", keys.unexpected_keys)):
        if names:
            some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            why = f"does not fit {checkpoint.arch}: {word} {len(names)} tensors: {some}"
            raise InputError(why, where=where, fix=fix)
    modes = {layer.mode for layer in model.modules() if isinstance(layer, QatModule)}
    if len(modes) > 1:
        raise InputError(
            "mixes integer weights with others", where=where, fix="quantize all layers or none"
        )
    set_mode(model, *modes)  # also of layers without parameters, which no checkpoint mentions
    return model.eval()


def mode_of(model: nn.Module) -> Mode:
    """Mode that all layers of a network share; those without parameters may not know it yet."""
    return next(layer.mode for layer in model.modules() if isinstance(layer, QatModule))


def channels_last(model: nn.Module) -> nn.Module:
    """Lay the weights out as the CPU's convolutions like them; a fifth faster.

    A network of a user's file stays as it is: its Python code may say `x.view(...)`, which needs
    every picture as one row.
    """
    if not type(model).__module__.startswith(f"{_OURS}."):
        return model
    changed: nn.Module = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return changed
