"""Keypoints as the training loop knows them. Mounted by entry point `ai8x.tasks`."""

from types import MappingProxyType

from ai8x_models.tasks.keypoints.answer import PointAnswers
from ai8x_models.tasks.keypoints.losses import KeypointLoss
from ai8x_models.tasks.keypoints.recipe import KeypointsRecipe
from ai8x_models.tasks.sampled.examples import SampledExamples
from ai8x_models.tasks.sampled.task import sampled_task


def make_loss(recipe: KeypointsRecipe, _examples: SampledExamples) -> KeypointLoss:
    """Make the loss."""
    return KeypointLoss(recipe.loss)


TASK = sampled_task(
    name="keypoints",
    recipe=KeypointsRecipe,
    answer=PointAnswers,
    make_loss=make_loss,
    shown_scores=MappingProxyType({"PCK@0.1": "pck", "PCK@0.05": "pck_05"}),
)
