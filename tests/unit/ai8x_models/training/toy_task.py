"""The smallest task: which digit is drawn? All that the training loop may know is in here."""

from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F

from ai8x_models.training.batches import Batch, shuffled_indexes
from ai8x_models.training.losses import Loss
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.sections import within
from ai8x_models.training.task import Task
from ai8x_models.zoo.toy_data import draw_samples


@dataclass(frozen=True)
class ToyData:
    name: str
    train_count: int = field(metadata=within(1, 100))


@dataclass(frozen=True)
class ToyLoss:
    temperature: float = 2.0


@dataclass(frozen=True)
class ToyRecipe(Recipe):
    data: ToyData
    loss: ToyLoss = ToyLoss()
    augment: ToyLoss | None = None


@dataclass(frozen=True)
class Digits:
    inputs: torch.Tensor
    targets: torch.Tensor
    answers: torch.Tensor | None = None

    def __len__(self):
        return len(self.inputs)

    def in_order(self, size):
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield Batch(self.inputs[part], self.targets[part], torch.ones(1))

    def shuffled(self, size, seed, epoch, augment):
        for index in shuffled_indexes(len(self), size, np.random.default_rng((seed, epoch))):
            teacher = None if self.answers is None else self.answers[index]
            yield Batch(self.inputs[index], self.targets[index], torch.ones(1), teacher)

    def with_teacher(self, teacher, checkpoint, console):
        with torch.no_grad():
            return replace(self, answers=teacher(self.inputs))


class CrossEntropy(Loss):
    def __init__(self, recipe):
        super().__init__()
        self.temperature = recipe.loss.temperature

    def to_truth(self, answer, batch):
        return {"entropy": F.cross_entropy(answer, batch.truth)}

    def to_teacher(self, answer, batch):
        pair = (F.log_softmax(one / self.temperature, dim=1) for one in (answer, batch.teacher))
        return {"divergence": F.kl_div(*pair, log_target=True, reduction="batchmean")}


def open_examples(recipe, split, console):
    samples = draw_samples(recipe.data.name, recipe.data.train_count, seed=int(split == "train"))
    return Digits(samples.inputs, samples.targets)


def score(model, examples, progress):
    with torch.no_grad():
        is_right = model.eval()(examples.inputs).argmax(dim=1) == examples.targets
    return {"accuracy": is_right.float().mean().item(), "recall": None}


TASK = Task(
    recipe=ToyRecipe,
    open_examples=open_examples,
    make_loss=lambda recipe, _examples: CrossEntropy(recipe),
    score=score,
    shown_scores=MappingProxyType({"accuracy": "accuracy", "recall": "recall"}),
)
