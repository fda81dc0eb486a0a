"""A task of this kind as the training loop knows it, made of the few things that are its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from torch import nn

from ai8x_models.describe.stored import is_of_file
from ai8x_models.layers.layers import fold_of
from ai8x_models.tasks.sampled.answer import AnswerForm
from ai8x_models.tasks.sampled.examples import SampledExamples
from ai8x_models.tasks.sampled.network import TrainedNetwork
from ai8x_models.tasks.sampled.recipe import SampledRecipe
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.prepared import n_workers
from ai8x_models.training.logs import Console
from ai8x_models.training.losses import Loss
from ai8x_models.training.progress import Progress
from ai8x_models.training.recipe_text import plain_section
from ai8x_models.training.task import Task
from ai8x_models.zoo.registry import find_model

R = TypeVar("R", bound=SampledRecipe)
MOST_THREADS = 4  # that make batches; more of them wait for each other


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledTask(Task[R, SampledExamples]):
    """What the verbs of all tasks with samples know of one.

    Args:
        name: of the task; that of its entry point.
        answer: what its answers mean.
    """

    name: str
    answer: type[AnswerForm]

    def read_data(self, stored: Mapping[str, Any]) -> DataPlan:
        """The section `data` of a recipe, as a checkpoint keeps it."""
        kind = get_type_hints(self.recipe)["data"]
        plan: DataPlan = kind(
            **{key: tuple(one) if isinstance(one, list) else one for key, one in stored.items()}
        )
        return plan


def sampled_task(
    name: str,
    recipe: type[R],
    answer: type[AnswerForm],
    make_loss: Callable[[R, SampledExamples], Loss[Any]],
    shown_scores: Mapping[str, str],
) -> SampledTask[R]:
    """Make a task.

    Args:
        name: of the task.
        recipe: what its recipes are.
        answer: what its answers mean.
        make_loss: a recipe and the training data to what is minimised.
        shown_scores: names of the scores worth a line, by their label; the first one ranks
            networks, the higher the better.
    """

    def open_examples(recipe: R, split: str, console: Console) -> SampledExamples:
        shape = None if is_of_file(recipe.model) else find_model(recipe.model).input_shape
        with console.progress(f"reading {recipe.data.name}, {split}", quiet=True) as progress:
            samples = answer.opened(recipe.data, split, shape, progress)
        n_threads = min(MOST_THREADS, n_workers(recipe.data.workers))
        return SampledExamples(samples, answer.settled(recipe, samples), n_threads=n_threads)

    def score(model: nn.Module, examples: SampledExamples, progress: Progress) -> dict[str, Any]:
        samples, form = examples.samples, examples.answer
        answers = TrainedNetwork(model, samples.form, form).answers_on(samples, progress)
        return form.score(answers, samples.targets).to_json()

    def extras(recipe: R, model: nn.Module, examples: SampledExamples) -> dict[str, Any]:
        form = examples.samples.form
        form = form.folded_by(fold_of(model.modules(), form.shape[0]))
        kept = {"task": name, "input": form.to_json(), "source": plain_section(recipe.data)}
        return kept | examples.answer.to_extras()

    return SampledTask(
        recipe,
        open_examples,
        make_loss,
        score,
        shown_scores,
        extras=extras,
        keeps_scale=answer.keeps_scale,
        name=name,
        answer=answer,
    )
