"""What stands behind the last layer as steps: what they say, and that they compute PyTorch's.

Steps are read by the compiler, and computed by its interpreter on made-up results of the layers.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ai8x_models.describe.convert import network_of
from ai8x_models.describe.describe import describe, describe_network
from synthesis.finish.finish import finish_answers
from synthesis.graph.ir import Graph, Layer, Shape
from synthesis.lower.finish import lower_finish
from synthesis.read.description import Operator
from synthesis.read.yaml_reader import read_network

SHAPE = (1, 4, 5)
UNIT = 128  # of the made-up results
MAP, VECTOR = (6, 4, 5), (10, 1, 1)


class Model(nn.Module):
    """A map of 6x4x5 and a vector of 10, and what is done with them."""

    def __init__(self, behind):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(1, 6, 3, padding=1), nn.Linear(20, 10)
        self.behind = behind
        self.register_buffer("steps", torch.arange(6.0).reshape(1, 6, 1, 1))

    def forward(self, x):
        return self.behind(self.conv(x), self.linear(x.flatten(1)), self.steps)


def described(behind):
    torch.manual_seed(1)
    return describe(Model(behind).eval(), SHAPE)


def computed(description):
    """The section on random results, and these as real numbers."""
    network = read_network(description.to_text(), "net.yaml")
    rng = np.random.default_rng(5)
    layers, stored = [], {}
    for spec in network.layers:
        shape = VECTOR if spec.op is Operator.LINEAR else MAP
        layers.append(
            Layer(
                len(layers),
                spec.name,
                "",
                spec.op,
                (),
                Shape(*SHAPE),
                Shape(*shape),
                is_output=True,
            )
        )
        stored[spec.name] = rng.integers(-128, 128, shape)
    graph = Graph("net", "net.yaml", Shape(*SHAPE), tuple(layers))
    real = {name: torch.from_numpy(values).float()[None] / UNIT for name, values in stored.items()}
    if "linear" in real:
        real["linear"] = real["linear"].reshape(1, -1)
    return finish_answers(lower_finish(network, graph), stored), real


# what is done with map y, vector z and constants s
SAID = {
    "softmax": lambda y, z, s: torch.softmax(z, 1),
    "softmax of a method": lambda y, z, s: z.softmax(dim=-1),
    "softmax of a module": lambda y, z, s: nn.Softmax(dim=1)(y),
    "log softmax": lambda y, z, s: F.log_softmax(z, 1),
    "argmax": lambda y, z, s: torch.argmax(z, 1),
    "argmax of channels": lambda y, z, s: y.argmax(dim=1),
    "sigmoid": lambda y, z, s: torch.sigmoid(y),
    "tanh": lambda y, z, s: torch.tanh(torch.sigmoid(y)),
    "exp": lambda y, z, s: torch.sigmoid(y).exp(),
    "normalize": lambda y, z, s: F.normalize(z),
    "normalize rows": lambda y, z, s: F.normalize(y, p=2.0, dim=3, eps=1e-3),
    "permute": lambda y, z, s: y.permute(0, 2, 3, 1),
    "permute a list": lambda y, z, s: y.permute((0, 3, 1, 2)),
    "transpose": lambda y, z, s: y.transpose(1, -1),
    "boxes": lambda y, z, s: y.permute(0, 2, 3, 1).contiguous().view(y.size(0), -1, 3),
    "cat": lambda y, z, s: torch.cat([y.flatten(1).softmax(1), z], 1),
    "cat behind": lambda y, z, s: torch.cat([y.permute(0, 2, 3, 1), y.permute(0, 2, 3, 1)], dim=-1),
    "scaled": lambda y, z, s: torch.sigmoid(z) * 2 - 0.5,
    "from the left": lambda y, z, s: 1 - 3 * torch.sigmoid(z),
    "divided": lambda y, z, s: torch.sigmoid(z) / 4,
    "each channel": lambda y, z, s: torch.sigmoid(y) * s + s,
    "negative": lambda y, z, s: -torch.sigmoid(y),
    "two tensors": lambda y, z, s: torch.sigmoid(y) * torch.tanh(y) + torch.sigmoid(y),
    "clamp": lambda y, z, s: torch.sigmoid(y).clamp(0.3, 0.6),
    "clamp one side": lambda y, z, s: torch.tanh(y).clamp(min=0.1),
    "relu behind": lambda y, z, s: torch.relu(y.permute(0, 2, 3, 1)),
    "slices": lambda y, z, s: torch.sigmoid(y)[:, 1:5:2, :, -2:],
    "one place": lambda y, z, s: torch.sigmoid(y)[:, 2],
    "behind dots": lambda y, z, s: torch.sigmoid(y)[..., 0],
    "split": lambda y, z, s: [torch.sigmoid(one) for one in y.permute(0, 2, 3, 1).split([2, 4], 3)],
    "several": lambda y, z, s: (torch.softmax(z, 1), torch.sigmoid(y)),
    "a result as it is": lambda y, z, s: (torch.softmax(z, 1), z),
    "a step and what reads it": lambda y, z, s: ((p := torch.sigmoid(z)), p * 2),
    "what is read comes later": lambda y, z, s: ((p := torch.sigmoid(z)) * 2, p),
}  # fmt: skip


@pytest.mark.parametrize("behind", SAID.values(), ids=SAID)
def test_steps_compute_what_pytorch_does(behind):
    description = described(behind)
    assert not description.left
    found, real = computed(description)
    nothing = torch.zeros(1, *MAP)
    wanted = behind(real.get("conv", nothing), real.get("linear"), Model(behind).steps)
    wanted = wanted if isinstance(wanted, tuple | list) else (wanted,)
    assert len(found) == len(wanted)
    for one, other in zip(found.values(), wanted, strict=True):
        assert one.shape == tuple(other.shape[1:]) or one.shape == (1,)
        np.testing.assert_allclose(one.reshape(other[0].shape), other[0], rtol=3e-6, atol=3e-6)


def test_the_text_of_a_section():
    text = described(SAID["boxes"]).to_text()
    assert text.endswith(
        "\n\n# On the processor, behind the layers; the vendor's generator has no such section.\n"
        "finish:\n"
        "  - {name: permute, op: permute, input: conv, dims: [1, 2, 0]}\n"
        "  - {name: view, op: reshape, input: permute, shape: [40, 3], result: true}\n"
    )


def test_plain_data_have_it_too():
    data = described(SAID["softmax"]).to_json()
    assert data["left"] == []
    assert data["finish"] == [
        {"name": "softmax", "inputs": ["linear"], "op": "softmax", "dim": 0, "result": True,
         "shape": [10]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "behind",
    [
        lambda y, z, s: z,
        lambda y, z, s: y.flatten(1),
        lambda y, z, s: (y.view(y.shape[0], 6, -1), z.unsqueeze(1)),
    ],
)
def test_new_shapes_alone_are_no_section(behind):
    description = described(behind)
    assert not description.finish
    assert "finish:" not in description.to_text()


# what no step says -> its words
LEFT = [
    (lambda y, z, s: torch.softmax(z, 1).topk(2)[0], ("`topk`",)),
    (lambda y, z, s: torch.sigmoid(z).max(1)[0], ("maximum of tensors",)),
    (lambda y, z, s: torch.softmax(y, 1).argmax(1).float() * 2.0, ("multiplication",)),
]


@pytest.mark.parametrize(("behind", "words"), LEFT)
def test_what_no_step_says_is_left(behind, words):
    description = described(behind)
    assert description.left[: len(words)] == words
    assert f"# Left to the application: {words[0]}" in description.to_text()
    assert [entry.is_result for entry in description.finish][-1]
    assert computed(description)[0]


def test_a_scaled_network_gives_its_real_numbers_back():
    names = ("scale", "softmax")
    torch.manual_seed(1)
    model = Model(SAID["softmax"]).eval()
    with torch.no_grad():
        model.linear.weight *= 9
    network = network_of(model, SHAPE, torch.rand(4, *SHAPE))
    assert network.output_scales[0] < 1
    description = describe_network(network, model)
    assert tuple(entry.step.op for entry in description.finish) == names
    assert dict(description.finish[0].step.keys)["factor"] == 1 / network.output_scales[0]


@pytest.mark.parametrize(
    "nothing",
    [
        (nn.Dropout(0.5), nn.Identity()),
        (nn.Flatten(2), nn.Unflatten(2, (3, 4))),
        (nn.ZeroPad2d(0),),
    ],
)
def test_what_changes_nothing_at_the_end_keeps_the_real_numbers(nothing):
    """Exporters of files leave it out, and the answers are scaled back with it and without."""
    torch.manual_seed(1)
    layers = (nn.Conv2d(1, 6, 3), nn.ReLU6(), nn.MaxPool2d(1))
    wanted, found = (
        describe(nn.Sequential(*one).eval(), (1, 5, 6)) for one in (layers, (*layers, *nothing))
    )
    assert [entry.step.op for entry in found.finish] == ["scale"]
    assert found.finish == wanted.finish
