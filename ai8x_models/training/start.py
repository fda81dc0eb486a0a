"""Where a run starts: its network, new or stored, and the policy of its QAT."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.describe.stored import arch_of_word, is_of_file, load_network, restored, trainable
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.policy import QatPolicy, Ranges
from ai8x_models.layers.qat import Layer, Mode, set_generation
from ai8x_models.training.recipe import Recipe
from ai8x_models.zoo.load import fill, mode_of
from ai8x_models.zoo.registry import Shape, find_model
from max78000.errors import InputError


def starting_model(recipe: Recipe, shape: Callable[[], Shape]) -> nn.Module:
    """Make the network, untrained or as the recipe's starting checkpoint has it.

    Args:
        recipe: names the network, and the checkpoint if there is one.
        shape: gives that of the data, for a network of a file.
    """
    start, is_file = recipe.start_from, is_of_file(recipe.model)
    if start is None:
        takes = shape() if is_file else find_model(recipe.model).input_shape
        torch.manual_seed(recipe.seed)  # whatever was drawn on the way here
        return trainable(recipe.model, takes)
    arch, checkpoint = arch_of_word(recipe.model), load_checkpoint(start)
    if is_file and checkpoint.arch != arch:
        raise _another(checkpoint.arch, arch, start)
    if is_file:
        model = fill(trainable(recipe.model, shape()), checkpoint, str(start))
    else:
        model = restored(checkpoint, str(start))
    if not is_file and type(model).__name__ != arch:
        raise _another(type(model).__name__, arch, start)
    if mode_of(model) is Mode.INTEGER:
        why = "holds integer weights, which cannot be trained"
        raise InputError(why, where=str(start), fix="start from the checkpoint that was quantized")
    return model


def keep_scale(model: nn.Module) -> nn.Module:
    """Let 32-bit answers mean the same before, in and after QAT; see `FusedLayer`.

    Layers of ours say so themselves, with `fixed_scale`; those made of plain torch cannot.
    """
    for layer in model.modules():
        if isinstance(layer, FusedLayer) and layer.plan.wide:
            layer.fixed_scale = True
    return model


def load_teacher(path: Path) -> nn.Module:
    """Make the network of a checkpoint that others learn from.

    Raises:
        InputError: no checkpoint, or one of integers, which answer in other units.
    """
    teacher = load_network(path)
    if mode_of(teacher) is Mode.INTEGER:
        fix = "name the checkpoint that was quantized"
        raise InputError("holds integers, which cannot teach", where=str(path), fix=fix)
    return teacher


def _another(found: str, wanted: str, start: Path) -> InputError:
    why = f"holds a {found}, the recipe trains a {wanted}"
    return InputError(why, where=str(start), fix="correct `model` or `start_from`")


def settled_policy(policy: QatPolicy, model: nn.Module, start: Path | None) -> QatPolicy:
    """The policy with its ranges decided, for a network as it stands.

    A new network is made to be measured: it neither clamps nor divides in float. One that was
    trained with fixed ranges is left as it is until QAT begins.
    """
    is_v2 = any(layer.is_v2 for layer in model.modules() if isinstance(layer, Layer))
    if is_v2 and policy.ranges is Ranges.FIXED:
        why = "was trained with measured ranges, the recipe says `qat.ranges: fixed`"
        fix = "leave `ranges` out, or start from a checkpoint with fixed ranges"
        raise InputError(why, where=str(start), fix=fix)
    measures = is_v2 or policy.measures
    if measures and start is None:
        set_generation(model, is_v2=True)
    return replace(policy, ranges=Ranges.MEASURED) if measures else policy
