"""What the training loop asks of a task: the only things it knows about what is learned.

A task is one folder of `ai8x_models/tasks`, with a `Task` that an entry point names:

    [project.entry-points."ai8x.tasks"]
    pose = "ai8x_models.tasks.pose.task:TASK"

The name is that of `task` in the registry of networks. What the task has for a command line, to
make data and to show answers, it mounts likewise; see `max78000.command.VerbGroup`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Protocol, Self, TypeVar

from torch import nn

from ai8x_models.describe.reference import split_reference
from ai8x_models.training.batches import Batch
from ai8x_models.training.logs import Console
from ai8x_models.training.losses import Loss
from ai8x_models.training.progress import Progress
from ai8x_models.training.recipe import Recipe
from ai8x_models.zoo.registry import Shape, find_model
from max78000.errors import InputError, UnsupportedError

ENTRY_POINTS = "ai8x.tasks"
_VERBS: Mapping[str, str] = MappingProxyType(
    {
        "classify": "classification",
        "detect": "detection",
        "regress": "regression",
        "segment": "segmentation",
    }
)


class Examples(Protocol):
    """One split of a task's data, in memory."""

    def __len__(self) -> int:
        """Number of examples."""

    def in_order(self, size: int) -> Iterator[Batch[Any]]:
        """Yield all examples as they are; the last batch may be smaller."""

    def shuffled(self, size: int, seed: int, epoch: int, augment: Any) -> Iterator[Batch[Any]]:
        """Yield the batches of one epoch of training, all of the same size.

        They are a function of the arguments alone: whatever is drawn at random comes from a
        generator made for (seed, epoch). That makes a resumed run equal to an uninterrupted one.

        Args:
            size: examples in a batch.
            seed: of the recipe.
            epoch: from 0.
            augment: section of the recipe: how examples are changed.
        """

    def with_teacher(self, teacher: nn.Module, checkpoint: Path, console: Console) -> Self:
        """Add what a teacher answers, asked now or known from before.

        Args:
            teacher: network of the same task.
            checkpoint: its file.
            console: shows how far it is.
        """


R = TypeVar("R", bound=Recipe)
E = TypeVar("E", bound=Examples)


def _nothing(_recipe: Any, _model: nn.Module, _examples: Any) -> Mapping[str, Any]:
    """What the checkpoints of most tasks keep beside the weights."""
    return {}


@dataclass(frozen=True, slots=True)
class Task(Generic[R, E]):
    """A kind of work.

    Args:
        recipe: what its recipes are; the class gives types to `data`, `loss` and `augment`.
        open_examples: a recipe, `train` or `validation`, and a console for slow steps to the data.
        make_loss: a recipe and the training data to what is minimised.
        score: a trained network, the validation data and a progress display to scores by name, as
            plain data for `metrics.json`; None where nothing was to score.
        shown_scores: names of the scores worth a line, by their label; the first one ranks
            networks.
        feature_layer: layer of the networks whose input a teacher may teach, too; empty if they
            have none in common.
        extras: a recipe, the network and the validation data to what checkpoints keep beside the
            weights, so that others can use them.
        kept_scores: names of the scores that checkpoints keep under these names, as they say how
            answers are to be read.
        families: of networks that `ai8x search` can draw for it, by their names: as
            `ai8x_models.training.search.family.Family`.
        keeps_scale: a network's answers mean numbers, and QAT must not multiply them; where only
            their order counts, weights are scaled up to use all of their bits.
    """

    recipe: type[R]
    open_examples: Callable[[R, str, Console], E]
    make_loss: Callable[[R, E], Loss[Any]]
    score: Callable[[nn.Module, E, Progress], Mapping[str, Any]]
    shown_scores: Mapping[str, str]
    feature_layer: str = ""
    extras: Callable[[R, nn.Module, E], Mapping[str, Any]] = _nothing
    kept_scores: tuple[str, ...] = ()
    families: Mapping[str, Callable[[Any, Shape, int], str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    keeps_scale: bool = False


def task_of(model: str, task: str | None = None) -> Task[Any, Any]:
    """Find what trains a network.

    Args:
        model: a name of the registry, or `FILE.py:NAME`.
        task: what it is to learn; None: what the registry says.

    Raises:
        InputError: there is no such network, or nothing says what it is for.
        UnsupportedError: its task is none that can be trained.
    """
    words = ", ".join(task_names())
    is_file = split_reference(model) is not None
    if task is None and is_file:
        raise InputError("nothing says what it is to learn", fix=f"give `task`: one of {words}")
    info = None if is_file else find_model(model)
    name = task or (info.task if info else "")
    if task is None and info is not None and name not in task_names():
        why = f"{info.name} is for {name}, a recipe trains for {words}"
        raise UnsupportedError(why, fix="see `ai8x list`")
    return find_task(name)


def find_task(name: str) -> Task[Any, Any]:
    """Find a task by its name.

    Raises:
        UnsupportedError: there is none of this name.
    """
    name = canonical_name(name)
    if name not in task_names():
        raise UnsupportedError(
            f"nothing trains for {name}", fix=f"one of {', '.join(task_names())}"
        )
    found: Task[Any, Any] = entry_points(group=ENTRY_POINTS)[name].load()
    return found


def canonical_name(word: str) -> str:
    """The name of a task, which may be called by what the network does: `classify`."""
    return _VERBS.get(word, word)


def task_names() -> tuple[str, ...]:
    """Names of all tasks, in alphabetical order."""
    return tuple(sorted(entry_points(group=ENTRY_POINTS).names))
