"""Which entries of a file are a layer: names of the vendor, of plain torch, of norms."""

import pytest
import torch
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.describe.subject import find_subject
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_checkpoint, quantize_state
from max78000.errors import InputError

DEFAULT = QuantizeOptions()


def _named(name, bits, *shape):
    state = {f"{name}.weight_bits": torch.tensor([bits]), f"{name}.bias_bits": torch.tensor([bits])}
    state |= {f"{name}.quantize_activation": torch.tensor([True])}
    return state | {f"{name}.op.weight": torch.rand(*shape)}


@pytest.mark.parametrize("name", ["linear", "conv1d", "conv2d", "convtranspose2d"])
def test_layers_called_like_an_operator_keep_their_width_and_quantile(tmp_path, name):
    torch.manual_seed(1)
    state = _named(f"head.{name}", 2, 4, 8) | {f"head.{name}.shift_quantile": torch.tensor([0.5])}
    save_checkpoint(tmp_path / "a", Checkpoint("net", 1, state))
    (layer,) = quantize_checkpoint(tmp_path / "a", tmp_path / "q").layers
    assert (layer.name, layer.weight_bits) == (f"head.{name}", 2)
    assert layer.limit == pytest.approx(state[f"head.{name}.op.weight"].median().item(), abs=0.05)
    added = {f"head.{name}.output_shift"}
    assert set(load_checkpoint(tmp_path / "q").state_dict) == set(state) | added


def test_shared_layers_called_like_an_operator(cases_dir, tmp_path):
    source = cases_dir / "submodule_called_linear.pth.tar"
    report = quantize_checkpoint(source, tmp_path / "q")
    assert [layer.weight_bits for layer in report.layers] == [4, 2]
    before, after = (load_checkpoint(path).state_dict for path in (source, tmp_path / "q"))
    assert list(before) == list(after)


def test_shared_model_with_a_layer_called_linear(cases_dir, tmp_path):
    text = (cases_dir / "own_linear.py").read_text()
    text = text.replace("ai8x_models import names", "ai8x_models.layers import vendor_names")
    (tmp_path / "own_linear.py").write_text(text)
    word = f"{tmp_path / 'own_linear.py'}:Net"
    model = find_subject(word, (3, 8, 8)).model
    model.head.linear.enter_qat(2)
    model.conv1.enter_qat(4)
    save_checkpoint(tmp_path / "qat", Checkpoint("net", 1, model.state_dict()))
    report = quantize_checkpoint(tmp_path / "qat", tmp_path / "q")
    assert [(layer.name, layer.weight_bits) for layer in report.layers] == [
        ("conv1", 4),
        ("head.linear", 2),
    ]
    loaded = find_subject(word, (3, 8, 8), tmp_path / "q").model
    assert loaded.head.linear.weight_bits.item() == 2


def test_the_holder_of_a_trained_model_is_no_part_of_its_names(tmp_path):
    """Trainers save the attribute under which they held the model, too."""
    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef Net():\n    return nn.Sequential(nn.Conv2d(1, 2, 3))\n"
    )
    word, weight = f"{tmp_path / 'net.py'}:Net", torch.rand(2, 1, 3, 3)
    state = {"net.0.weight": weight, "net.0.bias": torch.zeros(2)}
    torch.save({"state_dict": state, "hyper_parameters": {"lr": 0.1}}, tmp_path / "net.ckpt")
    model = find_subject(word, (1, 8, 8), tmp_path / "net.ckpt").model
    assert torch.equal(model[0].weight, weight)
    other = {"net.0.weight": weight, "head.bias": torch.zeros(2)}
    torch.save(other, tmp_path / "other.pth")
    with pytest.raises(InputError, match="not Net"):
        find_subject(word, (1, 8, 8), tmp_path / "other.pth")


# Plain torch layers and their batch norm.


class Numbered(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.bn1 = nn.BatchNorm2d(4)
        self.head = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.conv2_bn = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(4, 6, 1, bias=False)
        self.fc = nn.Linear(6, 2)

    def forward(self, x):
        x = self.head(self.bn1(self.conv1(x)).relu())
        return self.fc(self.conv2_bn(self.conv2(x)).relu().mean((2, 3)))


def test_batch_norm_is_found_by_its_name():
    torch.manual_seed(0)
    model = Numbered()
    for _ in range(3):
        model(torch.rand(4, 1, 8, 8) * 3)
    state, reports = quantize_state(model.state_dict(), DEFAULT)
    assert [report.name for report in reports] == ["conv1", "head.0", "conv2", "fc"]
    assert not [name for name in state if "bn" in name or "running" in name or "head.1" in name]
    assert set(state) == {
        f"{report.name}.{entry}"
        for report in reports
        for entry in ("op.weight", "op.bias", "weight_bits", "bias_bits", "output_shift")
    }
    # What the integers stand for is the float network, but for rounding.
    scale = 2.0 ** (state["conv1.output_shift"].item() - 7)
    fused = nn.utils.fuse_conv_bn_eval(model.conv1.eval(), model.bn1.eval())
    assert torch.allclose(state["conv1.op.weight"] * scale, fused.weight, atol=scale)
    assert torch.allclose(state["conv1.op.bias"] / 128 * scale, fused.bias, atol=scale)


def test_batch_norm_of_nobody_is_refused():
    state = Numbered().state_dict()
    lost = {name.replace("bn1.", "stem_norm_a."): tensor for name, tensor in state.items()}
    with pytest.raises(InputError, match="does not tell the layer") as caught:
        quantize_state(lost, DEFAULT)
    assert caught.value.where == "stem_norm_a"
    assert "bn1 beside conv1" in caught.value.fix


def test_shared_plain_networks(cases_dir, tmp_path):
    report = quantize_checkpoint(cases_dir / "plain_keys.pth.tar", tmp_path / "q")
    assert [layer.name for layer in report.layers] == ["conv1", "conv2", "fc"]
    assert any("bn1 is folded into conv1" in note for note in report.notes)
    (untrained,) = (note for note in report.notes if "quantization-aware training" in note)
    assert untrained.startswith("all layers never saw")
    report = quantize_checkpoint(cases_dir / "mynet.pth", tmp_path / "q2")
    names = ["features.0", "features.4", "features.8", "classifier.2"]
    assert [layer.name for layer in report.layers] == names


def test_plain_layers_among_others_are_named():
    state = _named("conv1", 8, 4, 8) | {"aux_fc.weight": torch.rand(2, 4)}
    state, reports = quantize_state(state, DEFAULT)
    assert [report.name for report in reports] == ["conv1", "aux_fc"]
    assert "aux_fc.op.weight" in state


def test_biases_can_be_dropped():
    state = Numbered().state_dict()
    result, _ = quantize_state(state, QuantizeOptions(no_bias=frozenset({"fc"})))
    assert "fc.op.bias" not in result
    with pytest.raises(InputError, match="no bias of conv9"):
        quantize_state(state, QuantizeOptions(no_bias=frozenset({"conv9"})))
