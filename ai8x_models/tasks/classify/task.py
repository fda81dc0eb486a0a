"""Classification as the training loop knows it. Mounted by entry point `ai8x.tasks`."""

from types import MappingProxyType

from ai8x_models.tasks.classify.answer import ClassShares
from ai8x_models.tasks.classify.losses import ClassLoss
from ai8x_models.tasks.classify.recipe import ClassifyRecipe
from ai8x_models.tasks.sampled.class_weights import class_weights
from ai8x_models.tasks.sampled.examples import SampledExamples
from ai8x_models.tasks.sampled.task import sampled_task


def make_loss(recipe: ClassifyRecipe, examples: SampledExamples) -> ClassLoss:
    """Make the loss, with what the recipe says of single classes."""
    plan, samples = recipe.loss, examples.samples
    return ClassLoss(plan, class_weights(plan, samples.classes, samples.targets))


TASK = sampled_task(
    "classification",
    recipe=ClassifyRecipe,
    answer=ClassShares,
    make_loss=make_loss,
    shown_scores=MappingProxyType({"accuracy": "accuracy", "F1": "f1"}),
)
