import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ai8x_models.zoo.registry import MODELS, create_model
from ai8x_models.zoo.toy_data import SETS, draw_samples, train_briefly
from max78000.errors import InputError

pytestmark = pytest.mark.long  # seconds each

INPUTS = {info.dataset: info.input_shape for info in MODELS.values() if info.task != "pose"}
CLASSES = {"digits": 10, "objects": 10, "scenes": 5, "regions": 4, "words": 21, "motion": 6}


def test_every_set_has_a_network_and_every_network_a_set():
    assert INPUTS.keys() == SETS.keys()
    assert set(SETS) == {*CLASSES, "sensors"}


@pytest.mark.parametrize("dataset", SETS)
def test_equal_seeds_give_equal_examples(dataset):
    first, second, other = (draw_samples(dataset, 3, seed) for seed in (5, 5, 6))
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.targets, second.targets)
    assert not torch.equal(first.inputs, other.inputs)
    assert len(np.unique(first.inputs.flatten(1), axis=0)) == 3


@pytest.mark.parametrize("dataset", SETS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**63 - 1))
def test_inputs_are_on_the_grid_and_targets_in_range(dataset, seed):
    samples = draw_samples(dataset, 1, seed)
    data = samples.device_inputs()
    assert samples.inputs.dtype == torch.float32
    assert samples.inputs.shape == (1, *INPUTS[dataset])
    assert torch.equal(samples.inputs * 128, torch.from_numpy(data).float())
    assert -128 <= data.min() < data.max() <= 127
    if dataset in CLASSES:
        assert samples.targets.dtype == torch.int64
        assert 0 <= samples.targets.min() <= samples.targets.max() < CLASSES[dataset]
    else:
        assert samples.targets.shape == samples.inputs.shape
        assert (samples.targets - samples.inputs).abs().max() <= 0.5 / 128


@pytest.mark.parametrize(("dataset", "n_classes"), CLASSES.items())
def test_every_class_is_drawn(dataset, n_classes):
    assert len(draw_samples(dataset, 10 * n_classes).targets.unique()) == n_classes


def test_pixels_of_a_shape_have_its_class():
    """The ground is dark, everything on it is bright."""
    samples = draw_samples("regions", 4)
    is_bright = samples.inputs.mean(dim=1) > -0.1
    assert ((samples.targets > 0) == is_bright).float().mean() > 0.97


def test_sounds_are_folded_channel_by_channel():
    """Neighbouring samples, also across two steps, differ by less than samples apart."""
    sounds = draw_samples("words", 8).inputs
    wave = sounds.transpose(1, 2).flatten(1)
    assert (wave[:, 1:] - wave[:, :-1]).abs().mean() < (wave[:, 7:] - wave[:, :-7]).abs().mean()


def test_unknown_sets_are_refused():
    with pytest.raises(InputError, match="there is no data set 'mnist'") as caught:
        draw_samples("mnist", 1)
    assert caught.value.fix == ("one of digits, objects, scenes, regions, words, motion, sensors")


def test_train_briefly_returns_the_loss_of_every_batch():
    torch.manual_seed(0)
    model, samples = create_model("DigitNet"), draw_samples("digits", 8)
    losses = train_briefly(model, "digits", [samples] * 4)
    assert len(losses) == 4
    assert losses == sorted(losses, reverse=True)


def test_batch_norms_average_over_all_steps():
    torch.manual_seed(0)
    model = create_model("DigitNet")
    batches = [draw_samples("digits", 4, seed) for seed in range(3)]
    train_briefly(model, "digits", batches, rate=0.0)
    with torch.no_grad():
        means = [model.conv1.op(batch.inputs).mean((0, 2, 3)) for batch in batches]
    assert torch.allclose(model.conv1.bn.running_mean, torch.stack(means).mean(0), atol=1e-6)
