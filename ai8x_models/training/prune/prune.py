"""From a trained network to a narrower one: a model file, a checkpoint, and a recipe if wanted.

The model file is ordinary: the network as it was, with layers of other widths. So whatever takes
FILE.py:NAME or a checkpoint of such a network takes these, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from ai8x_models.checkpoint import Checkpoint, checkpoint_bytes, file_hash, load_checkpoint
from ai8x_models.describe.convert import Converted, network_of
from ai8x_models.describe.reference import bare_name, split_reference
from ai8x_models.describe.stored import arch_of_word, restored, task_named_in, trainable, word_of
from ai8x_models.describe.topology import topology_of
from ai8x_models.layers.layers import FusedLayer
from ai8x_models.layers.qat import Mode
from ai8x_models.training.prune.channels import Kept, prune_to, require_pruner
from ai8x_models.training.prune.layer_text import layer_call
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.recipe_text import recipe_text
from ai8x_models.zoo.load import mode_of
from ai8x_models.zoo.registry import Shape, find_model
from max78000.errors import InputError, UnsupportedError
from max78000.files import make_folder, write_all

MODEL, CHECKPOINT, RECIPE = "model.py", "pruned.pth.tar", "recipe.yaml"
_PREFIX = "Pruned"  # of the new network's name
# What a checkpoint says of its network that is true of the pruned one as well; scores are not.
_KEPT_EXTRAS = frozenset(
    ("task", "input", "source", "classes", "mask", "priors", "nms", "target", "points", "mirrored",
     "size")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """A trained network to prune.

    Args:
        path: of its checkpoint.
        checkpoint: as read.
        model: of layers of ours, in float.
        shape: of its input, without the batch.
    """

    path: Path
    checkpoint: Checkpoint
    model: nn.Module
    shape: Shape

    @classmethod
    def load(cls, path: Path) -> "Subject":
        """Take the network of a checkpoint.

        Raises:
            InputError: no checkpoint, or it does not fit its network.
            UnsupportedError: its weights are not those of float training, or its layers not ours.
        """
        checkpoint = load_checkpoint(path)
        model = restored(checkpoint, str(path))
        if mode_of(model) is not Mode.FLOAT:
            why = f"is {mode_of(model).name.lower()}: its batch norm is folded, its weights rounded"
            fix = "prune the float checkpoint, and begin QAT with the pruned network"
            raise UnsupportedError(why, where=str(path), fix=fix)
        if isinstance(model, Converted):
            why = "has layers of plain torch, which the model file does not name"
            fix = "write the model with the layers of ai8x_models.layers.layers"
            raise UnsupportedError(why, where=str(path), fix=fix)
        shape = checkpoint.extras.get("shape") or find_model(checkpoint.arch).input_shape
        return cls(path, checkpoint, model, tuple(shape))

    @property
    def layers(self) -> dict[str, FusedLayer]:
        """Layers with weights by their names."""
        return layers_of(self.model)


@dataclass(frozen=True, slots=True)
class Widths:
    """Channels, or features, that a layer gives, before and after."""

    layer: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What came of it.

    Args:
        model: `FILE.py:NAME` of the narrower network.
        checkpoint: its weights.
        recipe: that trains it on, if there was one to start from.
        widths: of every layer.
        n_before, n_after: weights, without biases.
    """

    model: str
    checkpoint: Path
    recipe: Path | None
    widths: tuple[Widths, ...]
    n_before: int
    n_after: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "model": self.model,
            "checkpoint": str(self.checkpoint),
            "recipe": None if self.recipe is None else str(self.recipe),
            "weights_before": self.n_before,
            "weights": self.n_after,
            "channels": {one.layer: [one.before, one.after] for one in self.widths},
        }


def layers_of(model: nn.Module) -> dict[str, FusedLayer]:
    """Layers with weights of a network by their names."""
    return {name: one for name, one in model.named_modules() if isinstance(one, FusedLayer)}


def count_weights(word: str, shape: Shape) -> int:
    """Count the weights of a network, without biases; raises as `trainable`."""
    return sum(layer.op.weight.numel() for layer in layers_of(trainable(word, shape)).values())


def prune(subject: Subject, n_weights: int, folder: Path, recipe: Recipe | None = None) -> Pruned:
    """Write a narrower network: model.py, pruned.pth.tar and, from a recipe, recipe.yaml.

    Args:
        subject: what is pruned.
        n_weights: that it may keep.
        folder: where the files go; they are replaced.
        recipe: how it is to be trained on; its network and its start become the new ones.

    Raises:
        UnsupportedError: torch-pruning is missing.
        InputError: it is that small already.
        CapacityError: it cannot become so small.
    """
    require_pruner()
    n_before = sum(layer.op.weight.numel() for layer in subject.layers.values())
    if n_before <= n_weights:
        why = f"has {n_before:,} weights, no more than {n_weights:,}: there is nothing to prune"
        raise InputError(why, where=str(subject.path), fix="allow fewer")
    answers = _answering(subject)
    kept = prune_to(subject.model, subject.shape, n_weights, answers)
    name = _PREFIX + bare_name(arch_of_word(word_of(subject.checkpoint)))
    text = _model_text(subject, kept, name)
    model = f"{folder / MODEL}:{name}"
    files = {folder / MODEL: text.encode()}
    files[folder / CHECKPOINT] = checkpoint_bytes(_checkpoint(subject, kept, text, model))
    if recipe is not None:
        start = folder / CHECKPOINT
        tuned = replace(
            recipe,
            name=f"{recipe.name}_pruned",
            model=model,
            task=task_named_in(subject.checkpoint),
            start_from=start,
            folder=None,
        )
        files[folder / RECIPE] = recipe_text(tuned).encode()
    make_folder(folder)
    write_all(files)
    before = {name: layer.op.weight for name, layer in subject.layers.items()}
    widths = tuple(
        Widths(name, weight.shape[axis], kept.layers[name].op.weight.shape[axis])
        for name, weight in before.items()
        for axis in (subject.layers[name].output_axis,)
    )
    tuned_path = None if recipe is None else folder / RECIPE
    return Pruned(model, folder / CHECKPOINT, tuned_path, widths, n_before, kept.n_weights)


def _answering(subject: Subject) -> frozenset[str]:
    """Layers whose results leave the network; these keep all channels."""
    topology = topology_of(network_of(subject.model, subject.shape).graph, subject.model)
    return topology.answers | topology.unscaled


def _model_text(subject: Subject, kept: Kept, name: str) -> str:
    """A model file: what the network is made of, and behind it a function that narrows it."""
    layers = subject.layers
    calls = {
        layer: layer_call(layers[layer], kept.layers[layer].op.weight)
        for layer in layers
        if kept.layers[layer].op.weight.shape != layers[layer].op.weight.shape
    }
    kinds = ", ".join(sorted({type(layers[layer]).__name__ for layer in calls}))
    reference = split_reference(word_of(subject.checkpoint))
    if reference is None:
        maker = type(subject.model).__name__
        head = (
            f'"""{maker} with {kept.n_weights:,} weights, by `ai8x prune`."""\n\n'
            f"from torch import nn\n\n"
            f"from ai8x_models.layers.layers import {kinds}\n"
            f"from {type(subject.model).__module__} import {maker}\n"
        )
        call = f"{maker}()"
    else:
        call = reference[1] if "(" in reference[1] else f"{reference[1]}()"
        head = (
            f"{reference[0].read_text(encoding='utf-8').rstrip()}\n\n\n"
            f"from torch import nn  # noqa: E402\n\n"
            f"from ai8x_models.layers.layers import {kinds}  # noqa: E402\n"
        )
    lines = "\n".join(f"    {_attribute(layer)} = {text}" for layer, text in calls.items())
    return (
        f"{head}\n\ndef {name}() -> nn.Module:\n"
        f'    """{call} with {kept.n_weights:,} weights: fewer channels."""\n'
        f"    model = {call}\n{lines}\n    return model\n"
    )


def _attribute(layer: str) -> str:
    """A layer's name as Python says it: `model.blocks[0].conv`."""
    parts = (f"[{part}]" if part.isdecimal() else f".{part}" for part in layer.split("."))
    return f"model{''.join(parts)}"


def _checkpoint(subject: Subject, kept: Kept, text: str, model: str) -> Checkpoint:
    """The pruned weights, in the network that the model file makes."""
    name = model.rpartition(":")[2]
    with TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        path.write_text(text, encoding="utf-8")
        made = trainable(f"{path}:{name}", subject.shape)
    with torch.no_grad():
        for layer, fresh in layers_of(made).items():
            fresh.op.load_state_dict(kept.layers[layer].op.state_dict())
            norm = kept.layers[layer].bn
            if fresh.bn is not None and norm is not None:
                fresh.bn.load_state_dict(norm.state_dict())
    said: Mapping[str, Any] = subject.checkpoint.extras
    extras = {key: value for key, value in said.items() if key in _KEPT_EXTRAS}
    extras |= {"task": task_named_in(subject.checkpoint), "model": model, "shape": subject.shape}
    extras["pruned_from"] = file_hash(subject.path)
    return Checkpoint(name, subject.checkpoint.epoch, dict(made.state_dict()), extras)
