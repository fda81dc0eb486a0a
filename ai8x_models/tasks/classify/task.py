"""Classification as the training loop knows it. Mounted by entry point `ai8x.tasks`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from torch import nn

from ai8x_models.describe.stored import is_of_file
from ai8x_models.layers.layers import FoldedConv2d
from ai8x_models.layers.space_to_depth import RATIO
from ai8x_models.tasks.classify.classifier import NAME, Classifier
from ai8x_models.tasks.classify.examples import ClassExamples
from ai8x_models.tasks.classify.losses import ClassLoss, class_weights
from ai8x_models.tasks.classify.recipe import ClassifyRecipe
from ai8x_models.training.data.open import open_samples
from ai8x_models.training.logs import Console
from ai8x_models.training.progress import Progress
from ai8x_models.training.recipe_text import plain_section
from ai8x_models.training.task import Task
from ai8x_models.zoo.registry import find_model


def open_examples(recipe: ClassifyRecipe, split: str, _console: Console) -> ClassExamples:
    """Open a split of the recipe's source."""
    is_file = is_of_file(recipe.model)
    shape = None if is_file else find_model(recipe.model).input_shape
    return ClassExamples(open_samples(recipe.data, split, shape))


def make_loss(recipe: ClassifyRecipe, examples: ClassExamples) -> ClassLoss:
    """Make the loss, with what the recipe says of single classes."""
    plan = recipe.loss
    weights = class_weights(plan, examples.classes, examples.samples.targets)
    return ClassLoss(plan, weights)


def score(model: nn.Module, examples: ClassExamples, progress: Progress) -> Mapping[str, Any]:
    """Count right answers; see `scores.ClassScores`."""
    classifier = Classifier(model, examples.form, examples.classes)
    return classifier.scores_on(examples.samples, progress).to_json()


def extras(recipe: ClassifyRecipe, model: nn.Module, examples: ClassExamples) -> Mapping[str, Any]:
    """What others need to give the network an example, and to name its answer."""
    form = examples.form
    is_folded = any(
        isinstance(layer, FoldedConv2d) and layer.folded_channels != form.shape[0]
        for layer in model.modules()
    )
    return {
        "task": NAME,
        "input": form.folded_by(RATIO if is_folded else 1).to_json(),
        "classes": examples.classes,
        "source": plain_section(recipe.data),
    }


TASK = Task(
    recipe=ClassifyRecipe,
    open_examples=open_examples,
    make_loss=make_loss,
    score=score,
    shown_scores=MappingProxyType({"accuracy": "accuracy", "F1": "f1"}),
    extras=extras,
)
