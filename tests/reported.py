"""Evaluations of every task, made by hand: no network has to be trained to see its report."""

from types import SimpleNamespace

import numpy as np
import torch

from ai8x_models.layers.qat import Mode
from ai8x_models.tasks.classify.answer import ClassShares
from ai8x_models.tasks.detect.answer import BoxAnswers
from ai8x_models.tasks.detect.suppress import Suppression
from ai8x_models.tasks.keypoints.answer import PointAnswers
from ai8x_models.tasks.regression.answer import Numbers
from ai8x_models.tasks.sampled.report import Evaluated
from ai8x_models.tasks.segmentation.answer import ClassMasks
from ai8x_models.training.data.form import InputForm
from ai8x_models.training.data.open import Samples

N, SIDE = 20, 16
NAMES = ("<one>", "two", "three")


def _digits(rng):
    targets = rng.integers(0, 3, N)
    return ClassShares(NAMES), targets, rng.dirichlet((1, 1, 1), N)


def _masks(rng):
    targets = rng.integers(0, 3, (N, SIDE, SIDE)).astype(np.uint8)
    answers = np.where(rng.random(targets.shape) < 0.7, targets, 0).astype(np.uint8)
    targets[:, :2] = 255
    return ClassMasks(NAMES, (SIDE, SIDE)), targets, answers


def _boxes(rng):
    targets, answers = np.full((N, 2, 5), -1.0), np.zeros((N, 3, 6))
    targets[:, 0] = [0.25, 0.25, 0.75, 0.75, 1]
    answers[..., 4] = -1
    answers[:, 0, :5] = targets[:, 0]
    answers[:, 0, :4] += rng.normal(0, 0.05, (N, 4))
    answers[:, 0, 5] = rng.uniform(0.3, 1, N)
    answers[3, 1] = [0, 0, 0.2, 0.2, 2, 0.9]
    return BoxAnswers(NAMES, torch.zeros(1, 4), Suppression()), targets, answers


def _points(rng):
    places = rng.uniform(0.1, 0.9, (N, 3, 2))
    targets = np.concatenate((places, np.full((N, 3, 1), 2.0)), axis=2)
    targets[0, 0, 2] = 0
    answers = targets + rng.normal(0, 0.02, targets.shape)
    return PointAnswers(NAMES, (), (SIDE, SIDE)), targets, answers


def _numbers(rng):
    targets = rng.uniform(0, 320, (N, 2))
    return Numbers((2,), (160.0,), 1.25, False), targets, targets + rng.normal(0, 9, (N, 2))


KINDS = {
    "classification": _digits,
    "segmentation": _masks,
    "detection": _boxes,
    "keypoints": _points,
    "regression": _numbers,
}


def evaluation(kind):
    """An evaluated network of a task, and the samples that it was asked about."""
    rng = np.random.default_rng(0)
    form, targets, answers = KINDS[kind](rng)
    inputs = rng.integers(-128, 128, (N, 3, SIDE, SIDE)).astype(np.int8)
    as_read = InputForm((3, SIDE, SIDE), 0, 255, "")
    samples = Samples(inputs, targets, NAMES, as_read, form.kind)
    network = SimpleNamespace(answer=form, mode=Mode.INTEGER)
    name = f"{'runs/a_folder_of_a_long_name/' * 2}q.pth.tar"
    return Evaluated(name, network, answers, form.score(answers, targets)), samples


def autoencoder():
    """Likewise: pictures that are to be given back."""
    one, samples = evaluation("regression")
    form = Numbers((3, SIDE, SIDE), (128.0,) * 3, 1.0, True)
    targets = samples.inputs + 128.0
    answers = targets + np.random.default_rng(1).normal(0, 20, targets.shape)
    network = SimpleNamespace(answer=form, mode=Mode.FLOAT)
    scores = form.score(answers, targets)
    return Evaluated(one.name, network, answers, scores), Samples(
        samples.inputs, targets, (), samples.form, form.kind
    )
