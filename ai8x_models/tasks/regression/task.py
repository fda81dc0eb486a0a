"""Regression as the training loop knows it. Mounted by entry point `ai8x.tasks`."""

from types import MappingProxyType

from ai8x_models.tasks.regression.answer import Numbers
from ai8x_models.tasks.regression.losses import DistanceLoss
from ai8x_models.tasks.regression.recipe import RegressionRecipe
from ai8x_models.tasks.sampled.examples import SampledExamples
from ai8x_models.tasks.sampled.task import sampled_task


def make_loss(recipe: RegressionRecipe, _examples: SampledExamples) -> DistanceLoss:
    """Make the loss."""
    return DistanceLoss(recipe.loss)


TASK = sampled_task(
    "regression",
    recipe=RegressionRecipe,
    answer=Numbers,
    make_loss=make_loss,
    shown_scores=MappingProxyType({"R2": "r2", "MAE": "mae", "RMSE": "rmse"}),
)
