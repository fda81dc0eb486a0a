"""Models that look at their data, or leave PyTorch; places of faults; names of models."""

import inspect

import pytest
import torch
from torch import nn

from ai8x_models.describe import record as record_module
from ai8x_models.describe.convert import convert
from ai8x_models.describe.describe import describe
from ai8x_models.describe.onnx_writer import export_model
from ai8x_models.describe.subject import find_subject
from max78000.errors import InputError, ProblemList, ToolError, UnsupportedError

SHAPE = (1, 8, 8)


class Looking(nn.Module):
    """A convolution, and what a test does with its data before."""

    def __init__(self, look):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.look = look

    def forward(self, x):
        return self.conv(self.look(x))


def branch(x):
    return x if x.mean() > 0.4 else -x


def leave_by_float(x):
    return x * float(x.max())


def leave_by_item(x):
    return x - x.min().item()


def leave_by_numpy(x):
    return torch.from_numpy(x.numpy() * 2)


def leave_by_list(x):
    return torch.tensor(x.tolist())


def compare(x):
    return x if torch.equal(x, x) else -x


@pytest.mark.parametrize(
    ("look", "why"),
    [
        (branch, "branches on the data"),
        (leave_by_float, "`float` takes numbers out of PyTorch"),
        (leave_by_item, "`item` takes numbers out of PyTorch"),
        (leave_by_numpy, "`numpy` takes numbers out of PyTorch"),
        (leave_by_list, "`tolist` takes numbers out of PyTorch"),
        (compare, "`equal` takes numbers out of PyTorch"),
    ],
)
def test_looking_at_data_is_refused_with_the_line(look, why):
    with pytest.raises(UnsupportedError) as caught:
        describe(Looking(look), SHAPE)
    assert caught.value.why.startswith(why)
    line = inspect.getsourcelines(look)[1] + 1
    assert caught.value.where == f"Looking test_describe_places.py:{line}"


def test_every_look_is_refused_at_once():
    with pytest.raises(ProblemList) as caught:
        describe(nn.Sequential(Looking(branch), Looking(lambda x: branch(x[:, :1]))), SHAPE)
    assert len(caught.value.problems) == 2


def ask_for_the_form(x):
    if x.shape[1] == 1 and len(x) and x.dim() == 4 and x.dtype == torch.float32:
        return x.reshape(x.size(0), 1, *x.shape[2:]).to(x.device)
    raise AssertionError(x)


def test_questions_about_the_form_are_no_looks():
    assert describe(Looking(ask_for_the_form), SHAPE).layers


class Extension(nn.Module):
    def forward(self, x):
        with torch._C.DisableTorchFunction():
            return x + x


def test_what_pytorch_does_not_see_is_refused():
    with pytest.raises(ToolError) as caught:
        describe(nn.Sequential(nn.Conv2d(1, 4, 3), Extension(), nn.Conv2d(4, 4, 3)), SHAPE)
    assert "do not see" in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_scripts_are_refused():
    with pytest.raises(UnsupportedError) as caught:
        describe(nn.Sequential(torch.jit.script(nn.Conv2d(1, 4, 3))), SHAPE)
    assert caught.value.where == "Sequential 0"


def test_modules_of_a_sequence_are_named():
    with pytest.raises(UnsupportedError) as caught:
        describe(nn.Sequential(nn.Sequential(nn.ReLU(), nn.Tanh()), nn.Conv2d(1, 4, 3)), SHAPE)
    assert caught.value.where == "0.1 (Tanh)"


def test_the_module_that_does_not_run_is_named():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(7, 3))
    with pytest.raises(InputError) as caught:
        describe(model, SHAPE)
    assert caught.value.where == "Sequential 2 (Linear)"


def test_faults_of_ours_are_not_the_models(monkeypatch):
    def broken(_name, _call):
        raise IndexError("ours")

    monkeypatch.setattr(record_module, "operation", broken)
    with pytest.raises(IndexError):
        describe(nn.Sequential(nn.Conv2d(1, 4, 3)), SHAPE)


def test_a_converted_model_keeps_its_name():
    network = convert(Looking(lambda x: x), SHAPE)
    assert describe(network, SHAPE).arch == "Looking"
    assert describe(convert(network, SHAPE), SHAPE).arch == "Looking"
    assert export_model(convert(network, SHAPE), SHAPE).graph.name == "Looking"


class Heads(nn.Module):
    """A detector: two heads, each turned and reshaped, then joined."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fine, self.coarse = nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)

    def forward(self, x):
        x = self.conv(x).relu()
        heads = (self.fine(x), self.coarse(self.pool(x)))
        rows = [one.permute(0, 2, 3, 1).contiguous().view(len(x), -1, 4) for one in heads]
        return torch.cat(rows, dim=1)


class Embedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(256, 8)

    def forward(self, x):
        return nn.functional.normalize(self.linear(self.conv(x).relu().flatten(1)), p=2, dim=1)


def test_what_follows_the_last_layer_is_the_processors():
    heads, embedding = describe(Heads(), SHAPE), describe(Embedding(), SHAPE)
    assert heads.on_cpu == ("data in another order", "tensors joined")
    assert [one.name for one in heads.layers if one.is_output] == ["fine", "coarse"]
    assert embedding.on_cpu == ("`normalize`",)
    assert embedding.layers[-1].is_wide


def test_a_module_of_a_file_is_named_with_the_line_that_made_it(tmp_path):
    """`nn.Sequential` runs it, so that no line of the user's does."""
    lines = (
        "from torch import nn",
        "def net():",
        "    layers = [nn.Conv2d(3, 4, 3)]",
        "    layers.append(nn.GELU())",
        "    return nn.Sequential(*layers, nn.Conv2d(4, 2, 1))",
    )
    (tmp_path / "net.py").write_text("\n".join(lines), encoding="utf-8")
    subject = find_subject(f"{tmp_path / 'net.py'}:net", (3, 8, 8))
    with pytest.raises(ToolError) as caught:
        describe(subject.model, subject.shape)
    assert caught.value.where == "1 (GELU) net.py:4"
    made = nn.GELU()
    assert "_declared_at" not in vars(made)


def test_one_fault_is_said_once():
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.linear = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(32, 5)

        def forward(self, x):
            return self.linear(self.conv(x).mean(-1).flatten(1))

    with pytest.raises(ToolError) as caught:
        describe(Mean(), (3, 8, 8))
    assert not isinstance(caught.value, ProblemList)
    assert caught.value.why == "mean over other axes than rows and columns"
