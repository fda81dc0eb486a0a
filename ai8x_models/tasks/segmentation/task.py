"""Segmentation as the training loop knows it. Mounted by entry point `ai8x.tasks`."""

from types import MappingProxyType

from ai8x_models.tasks.sampled.class_weights import class_weights
from ai8x_models.tasks.sampled.examples import SampledExamples
from ai8x_models.tasks.sampled.task import sampled_task
from ai8x_models.tasks.segmentation.answer import ClassMasks
from ai8x_models.tasks.segmentation.losses import MaskLoss
from ai8x_models.tasks.segmentation.recipe import SegmentationRecipe
from ai8x_models.training.data.source import UNCOUNTED


def make_loss(recipe: SegmentationRecipe, examples: SampledExamples) -> MaskLoss:
    """Make the loss, with what the recipe says of single classes."""
    plan, samples = recipe.loss, examples.samples
    counted = samples.targets[samples.targets != UNCOUNTED]
    return MaskLoss(plan, class_weights(plan, samples.classes, counted))


TASK = sampled_task(
    "segmentation",
    recipe=SegmentationRecipe,
    answer=ClassMasks,
    make_loss=make_loss,
    shown_scores=MappingProxyType({"mIoU": "miou", "pixel accuracy": "pixel_accuracy"}),
)
