"""The pose task as the training loop knows it: people's keypoints as heatmaps and part affinities.

Mounted by entry point `ai8x.tasks`. Data are in `data/`, what draws them in `figures/`, `bodies/`
and `photos/`; how answers become people, and how those are scored, in `decoder.py`, `metrics.py`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from torch import nn

from ai8x_models.tasks.pose.data.examples import PoseExamples
from ai8x_models.tasks.pose.data.source import DataSource
from ai8x_models.tasks.pose.evaluate import evaluate_maps
from ai8x_models.tasks.pose.family import poses
from ai8x_models.tasks.pose.losses import PoseLoss
from ai8x_models.tasks.pose.photos.examples import PhotoExamples, open_photos
from ai8x_models.tasks.pose.photos.guarded import check_plan
from ai8x_models.tasks.pose.predictor import POSE, Predictor
from ai8x_models.tasks.pose.recipe import CROPS, PHOTOS, PoseRecipe
from ai8x_models.training.logs import Console
from ai8x_models.training.progress import Progress
from ai8x_models.training.task import Task
from ai8x_models.zoo.load import mode_of
from max78000.apps.pose.shown import SHOWN_SCORE

AnyExamples = PoseExamples | PhotoExamples


def open_examples(recipe: PoseRecipe, split: str, console: Console) -> PoseExamples | PhotoExamples:
    """Open the figures of a split, rendering them if need be, or photographs."""
    plan = recipe.data
    preset = plan.preset
    if split == "train" and plan.test_only:
        check_plan(plan, recipe.view)
    if preset == PHOTOS:
        if split == "train":
            return open_photos(plan.folder, recipe.view, plan.train_count)
        preset = CROPS
    count = plan.train_count if split == "train" else plan.validation_count
    return PoseExamples.open(DataSource(plan.folder, preset, split, count), console)


def make_loss(recipe: PoseRecipe, _examples: AnyExamples) -> PoseLoss:
    """Make the loss that the recipe weighs."""
    return PoseLoss(recipe.loss)


def score(model: nn.Module, examples: AnyExamples, progress: Progress) -> Mapping[str, Any]:
    """Decode what the network answers, and score the people found; see `evaluate.Metrics`."""
    assert isinstance(examples, PoseExamples)  # views of photographs are for training alone
    predictor = Predictor(model.eval(), mode_of(model))
    return evaluate_maps(predictor.maps, examples.cache, progress=progress).to_json()


def extras(_recipe: PoseRecipe, _model: nn.Module, _examples: AnyExamples) -> Mapping[str, Any]:
    """What a checkpoint says of its network: its name alone need not tell what it is for."""
    return {"task": POSE}


TASK = Task(
    recipe=PoseRecipe,
    open_examples=open_examples,
    make_loss=make_loss,
    score=score,
    shown_scores=MappingProxyType({"AP": "ap", "AP50": "ap50", "AR": "ar", "PCK@0.2": "pck"}),
    extras=extras,
    kept_scores=(SHOWN_SCORE,),
    families=MappingProxyType({"poses": poses}),
    feature_layer="heat_hidden",  # what enters it is what backbone and context layers give
)
