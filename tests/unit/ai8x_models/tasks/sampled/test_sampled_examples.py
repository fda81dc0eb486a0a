"""Batches of samples: the same examples by the same arguments, however they are cut."""

import numpy as np
import pytest
import torch

from ai8x_models.tasks.classify.answer import ClassShares
from ai8x_models.tasks.sampled.examples import SampledExamples
from ai8x_models.tasks.sampled.recipe import AugmentPlan
from ai8x_models.training.data.form import InputForm
from ai8x_models.training.data.open import Samples

PLAN = AugmentPlan(shift=1, flip=True, noise=0.1, brightness=0.1)


@pytest.fixture
def examples():
    rng = np.random.default_rng(0)
    inputs = rng.integers(-128, 128, (12, 1, 5, 5)).astype(np.int8)
    form = InputForm((1, 5, 5), -128, 127, "CHW")
    return SampledExamples(
        Samples(inputs, np.arange(12) % 3, tuple("abc"), form), ClassShares("abc")
    )


def test_an_epoch_is_a_function_of_its_arguments(examples):
    first, again, other = (list(examples.shuffled(4, seed, 2, PLAN)) for seed in (1, 1, 2))
    assert [len(batch) for batch in first] == [4, 4, 4]
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].inputs, other[0].inputs)


def test_a_slice_of_a_batch_is_the_batch_s_slice(examples):
    indexes = np.array([7, 2, 11, 4])
    whole = examples.batch(indexes, 1, 0, PLAN)
    parts = [examples.batch(part, 1, 0, PLAN) for part in (indexes[:1], indexes[1:])]
    assert torch.equal(whole.inputs, torch.cat([part.inputs for part in parts]))
    assert torch.equal(whole.truth, torch.cat([part.truth for part in parts]))


def test_augmenting_leaves_the_samples_as_they_are(examples):
    before = examples.samples.inputs.copy()
    examples.batch(np.arange(12), 1, 0, PLAN)
    np.testing.assert_array_equal(examples.samples.inputs, before)
