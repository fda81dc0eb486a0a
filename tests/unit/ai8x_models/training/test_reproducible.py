"""Seeds, one thread, devices: what makes a run the same again, and where it computes."""

from io import StringIO

import pytest
import torch

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.training.batches import Batch, map_tensors
from ai8x_models.training.determinism import deterministic, seed_torch
from ai8x_models.training.device import CPU, chosen_device, facing_cpu
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from max78000.errors import InputError, UnsupportedError

RECIPE = """\
name: toy
model: DigitNet
epochs: 2
batch_size: 8
data: {name: digits, train_count: 16}
deterministic: true
qat: {start_epoch: 1}
"""


def test_draws_are_those_of_the_numbers():
    def drawn(*numbers):
        seed_torch(*numbers)
        return torch.rand(3)

    assert torch.equal(drawn(1, 0), drawn(1, 0))
    assert not torch.equal(drawn(1, 0), drawn(1, 1))
    assert not torch.equal(drawn(1, 0), drawn(0, 1))


@pytest.mark.long
def test_settings_are_put_back():
    before = torch.get_num_threads()
    with deterministic(True):
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()


def test_what_cannot_be_deterministic_is_refused():
    message = "x does not have a deterministic implementation, but you set. More"
    with (
        pytest.raises(UnsupportedError, match="deterministic: x does not have"),
        deterministic(True),
    ):
        raise RuntimeError(message)
    with pytest.raises(RuntimeError, match="another"), deterministic(True):
        raise RuntimeError("another")


@pytest.mark.long
def test_any_number_of_threads_gives_the_same_bits(toy):
    results = []
    before = torch.get_num_threads()
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        recipe = parse_recipe(RECIPE, "toy.yaml")
        results.append(load_checkpoint(train(recipe, Console(StringIO()), overwrite=True)))
    torch.set_num_threads(before)
    one, two = (result.state_dict for result in results)
    assert all(torch.equal(tensor, two[name]) for name, tensor in one.items())


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device("auto") == chosen_device("cpu") == CPU
    with pytest.raises(InputError, match="PyTorch finds no GPU"):
        chosen_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen_device("auto") == torch.device("cuda")
    assert chosen_device("cpu") == CPU


def test_a_batch_moves_whole():
    batch = Batch(torch.zeros(2), {"a": [torch.zeros(1)], "b": (torch.zeros(1), 3)}, torch.ones(1))
    moved = map_tensors(batch, lambda one: one.to("meta"))
    assert moved.inputs.is_meta
    assert moved.truth["a"][0].is_meta
    assert moved.truth["b"][0].is_meta
    assert moved.truth["b"][1] == 3
    assert moved.teacher is None


def test_a_network_elsewhere_is_given_its_data_there():
    seen = []

    class Network(torch.nn.Module):
        def forward(self, x):
            seen.append(x.device.type)
            return torch.zeros(1), x.new_zeros(2, device="cpu")

    model = Network()
    assert facing_cpu(model, CPU) is model
    answer = facing_cpu(model, torch.device("meta"))(torch.ones(3))
    assert seen == ["meta"]
    assert all(one.device == CPU for one in answer)
