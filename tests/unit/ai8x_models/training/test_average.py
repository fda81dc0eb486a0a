"""Averaged weights: what they are, that they are what is kept, and where QAT begins with them."""

from io import StringIO

import pytest
import torch

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.layers.layers import Conv2d
from ai8x_models.training import loop
from ai8x_models.training.average import Average
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe

RECIPE = """\
name: toy
model: DigitNet
epochs: 3
batch_size: 8
data: {name: digits, train_count: 16}
"""


def test_it_is_a_mean_that_forgets_faster_at_first():
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0)
    average = Average(layer, decay=0.5)
    for value, wanted in ((1.0, 0.9), (1.0, 0.9 + 0.1 * 9 / 11), (2.0, None)):
        layer.weight.data.fill_(value)
        average.see(layer)
        if wanted is not None:
            assert average.model.weight.item() == pytest.approx(wanted)
    for _ in range(40):
        average.see(layer)
    assert average.model.weight.item() == pytest.approx(2)


def test_what_is_no_number_to_average_is_of_the_present():
    layer = Conv2d(1, 4, batchnorm="Affine")
    average = Average(layer, decay=0.9)
    layer.get_buffer("output_shift").fill_(3)
    layer.bn.running_mean.fill_(1)
    layer.bn.num_batches_tracked.fill_(5)
    average.see(layer)
    assert average.model.output_shift.item() == 3
    assert average.model.bn.num_batches_tracked.item() == 5
    assert average.model.bn.running_mean[0].item() == pytest.approx(0.9)


@pytest.mark.long
@pytest.mark.parametrize("more", ["", "qat: {start_epoch: 1}\n"])
def test_the_result_has_the_averaged_weights(toy, more):
    last = {}
    for name, section in (("plain", ""), ("average", "average: {decay: 0.99}\n")):
        recipe = parse_recipe(RECIPE.replace("toy", name) + more + section, "toy.yaml")
        last[name] = load_checkpoint(train(recipe, Console(StringIO()))).state_dict
    assert last["plain"].keys() == last["average"].keys()
    weights = [one["conv1.op.weight"] for one in last.values()]
    assert 0 < (weights[0] - weights[1]).abs().max() < 0.1


@pytest.mark.long
def test_a_resumed_average_goes_on(toy, monkeypatch):
    text = RECIPE + "average: {decay: 0.99}\nqat: {start_epoch: 1}\n"
    recipe = parse_recipe(text, "toy.yaml")
    wanted = load_checkpoint(train(recipe, Console(StringIO())))
    real = loop.save_state

    def killed(run):
        real(run)
        if run.epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_state", killed)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, Console(StringIO()), overwrite=True)
    found = load_checkpoint(train(recipe, Console(StringIO()), resume=True))
    assert all(torch.equal(found.state_dict[name], one) for name, one in wanted.state_dict.items())
