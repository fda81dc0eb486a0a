"""Networks that are trained and come back: of the registry, or of a Python file of the user's.

A network of a file is made of layers of ours, converted if it is not. Its checkpoints say from
where it came and what it takes, `extras["model"]` and `extras["shape"]`; with that, and with the
file, they become networks again.
"""

from pathlib import Path

from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint
from ai8x_models.describe.convert import convert, network_of
from ai8x_models.describe.reference import bare_name, split_reference
from ai8x_models.describe.subject import find_subject
from ai8x_models.quantize.quantize import integer_only
from ai8x_models.zoo.load import fill, restore
from ai8x_models.zoo.registry import Shape, find_model
from max78000.errors import InputError, UnsupportedError


def is_of_file(word: str) -> bool:
    """True for `FILE.py:NAME`."""
    return split_reference(word) is not None


def trainable(word: str, shape: Shape) -> nn.Module:
    """Make an untrained network of layers of ours.

    Args:
        word: a name of the registry, or `FILE.py:NAME`.
        shape: of its input, (C, H, W) or (C, L).

    Raises:
        InputError: no such network, or one that does not run on such data.
        UnsupportedError: it prepares its input itself.
        ProblemList: everything that the accelerator cannot do.
    """
    if not is_of_file(word):
        return find_model(word).build()
    subject = find_subject(word, shape)
    network = network_of(subject.model, shape)
    if network.preparations:
        why = f"prepares its input itself: {', '.join(map(str, network.preparations))}"
        fix = "leave that to the recipe's `data`, and let the model begin with a layer"
        raise UnsupportedError(why, where=word, fix=fix)
    return convert(subject.model, shape) if network.is_new else subject.model


def arch_of_word(word: str) -> str:
    """Name that the network's checkpoints and descriptions carry."""
    reference = split_reference(word)
    return find_model(word).name if reference is None else bare_name(reference[1])


def load_network(path: Path, word: str = "") -> nn.Module:
    """Make the network of a checkpoint, in the checkpoint's mode, ready to evaluate.

    Args:
        path: checkpoint of any stage.
        word: where the model is now, if its file has moved.

    Raises:
        InputError: no checkpoint, an unknown network, or one that it does not fit.
    """
    return restored(load_checkpoint(path), str(path), word)


def load_integers(path: Path, word: str = "") -> nn.Module:
    """As `load_network`, for integer checkpoints alone; inputs and outputs are integers.

    Raises:
        InputError: also if it is not quantized.
    """
    return integer_only(load_network(path, word), path)


def word_of(checkpoint: Checkpoint) -> str:
    """What makes a checkpoint's network, untrained: a name of the registry, or `FILE.py:NAME`."""
    return str(checkpoint.extras.get("model") or checkpoint.arch)


def task_named_in(checkpoint: Checkpoint) -> str:
    """What a checkpoint's network was trained for; raises as `find_model` where nothing says."""
    return str(checkpoint.extras.get("task") or find_model(checkpoint.arch).task)


def restored(checkpoint: Checkpoint, where: str, word: str = "") -> nn.Module:
    """Make the network of a checkpoint that was read already; see `load_network`."""
    home = word or word_of(checkpoint)
    if not is_of_file(home):
        return restore(checkpoint, where)
    shape = checkpoint.extras.get("shape")
    if not shape:
        why = "does not say which input its network takes"
        raise InputError(why, where=where, fix="name a checkpoint that `ai8x train` wrote")
    reference = split_reference(home)
    if reference is not None and not reference[0].is_file():
        why = f"is of {home}, and there is no such file"
        fix = "put it back, or name it, if the command has --model"
        raise InputError(why, where=where, fix=fix)
    return fill(trainable(home, tuple(shape)), checkpoint, where)
