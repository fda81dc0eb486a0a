"""Mix-up: examples and classes are mixed alike, on the chip's grid, and by the seed."""

import pytest
import torch

from ai8x_models.tasks.classify.losses import ClassLoss
from ai8x_models.tasks.classify.recipe import LossPlan
from ai8x_models.training.batches import Batch
from max78000.errors import InputError


def batch_of(n=6):
    classes = torch.arange(n) % 3
    inputs = (classes / 4).reshape(n, 1, 1, 1).expand(n, 1, 2, 2).clone()
    return Batch(inputs, classes, torch.ones(1))


def loss_of(mix_up):
    return ClassLoss(LossPlan(mix_up=mix_up), torch.ones(3))


def test_inputs_and_classes_are_mixed_alike():
    mixed = loss_of(1.0).mixed(batch_of(), (1, 2))
    shares = mixed.truth
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(6))
    assert ((shares > 0) & (shares < 1)).any()
    wanted = shares @ (torch.arange(3) / 4)
    assert (mixed.inputs[:, 0, 0, 0] - wanted).abs().max() <= 0.5 / 128
    assert torch.equal(mixed.inputs * 128, (mixed.inputs * 128).round())


def test_it_is_a_function_of_the_seed():
    one, same, other = (loss_of(1.0).mixed(batch_of(), (1, step)) for step in (0, 0, 1))
    assert torch.equal(one.inputs, same.inputs)
    assert not torch.equal(one.truth, other.truth)


def test_unmixed_classes_cost_what_they_did():
    batch, answer = batch_of(), torch.randn(6, 3)
    assert loss_of(0.0).mixed(batch, (1,)) is batch
    wanted = loss_of(0.0).to_truth(answer, batch)["entropy"]
    shares = Batch(batch.inputs, torch.eye(3)[batch.truth], batch.mask)
    torch.testing.assert_close(loss_of(1.0).to_truth(answer, shares)["entropy"], wanted)


def test_mixtures_have_no_teacher():
    taught = Batch(batch_of().inputs, batch_of().truth, torch.ones(1), torch.zeros(6, 3))
    with pytest.raises(InputError, match=r"loss.mix_up: a teacher was asked about single examples"):
        loss_of(0.2).mixed(taught, (1,))
