"""Detection as the training loop knows it. Mounted by entry point `ai8x.tasks`."""

from types import MappingProxyType

from ai8x_models.tasks.detect.answer import BoxAnswers
from ai8x_models.tasks.detect.losses import DetectionLoss
from ai8x_models.tasks.detect.recipe import DetectRecipe
from ai8x_models.tasks.sampled.examples import SampledExamples
from ai8x_models.tasks.sampled.task import sampled_task


def make_loss(recipe: DetectRecipe, examples: SampledExamples) -> DetectionLoss:
    """Make the loss for the priors of the network."""
    answer = examples.answer
    assert isinstance(answer, BoxAnswers)
    return DetectionLoss(recipe.loss, answer.priors, len(answer.classes))


TASK = sampled_task(
    name="detection",
    recipe=DetectRecipe,
    answer=BoxAnswers,
    make_loss=make_loss,
    shown_scores=MappingProxyType({"AP": "ap", "AP50": "ap50"}),
)
