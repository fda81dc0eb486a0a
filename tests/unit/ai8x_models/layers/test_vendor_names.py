import gzip
import json

import numpy as np
import pytest
import torch
from torch import nn

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.layers import vendor_blocks
from ai8x_models.layers import vendor_names as names
from ai8x_models.layers.layers import Conv1d, Conv2d, ConvTranspose2d
from ai8x_models.layers.qat import Mode, set_mode
from max78000.errors import UnsupportedError
from max78000.facts.fixed import Activation

CONV2D = [
    "Conv2d",
    "FusedMaxPoolConv2d",
    "FusedMaxPoolConv2dBN",
    "FusedMaxPoolConv2dReLU",
    "FusedMaxPoolConv2dBNReLU",
    "FusedMaxPoolConv2dAbs",
    "FusedMaxPoolConv2dBNAbs",
    "FusedAvgPoolConv2d",
    "FusedAvgPoolConv2dReLU",
    "FusedAvgPoolConv2dBNReLU",
    "FusedAvgPoolConv2dAbs",
    "FusedAvgPoolConv2dBNAbs",
    "FusedConv2dReLU",
    "FusedConv2dBN",
    "FusedConv2dBNReLU",
    "FusedConv2dAbs",
]
CONV1D = [
    "Conv1d",
    "FusedMaxPoolConv1d",
    "FusedMaxPoolConv1dBN",
    "FusedMaxPoolConv1dReLU",
    "FusedMaxPoolConv1dBNReLU",
    "FusedMaxPoolConv1dAbs",
    "FusedAvgPoolConv1d",
    "FusedAvgPoolConv1dReLU",
    "FusedAvgPoolConv1dBNReLU",
    "FusedAvgPoolConv1dAbs",
    "FusedConv1dReLU",
    "FusedConv1dBNReLU",
    "FusedConv1dAbs",
    "FusedConv1dBNAbs",
]
TRANSPOSED = [
    "ConvTranspose2d",
    "FusedConvTranspose2dReLU",
    "FusedConvTranspose2dAbs",
    "FusedConvTranspose2dBNReLU",
    "FusedMaxPoolConvTranspose2d",
    "FusedMaxPoolConvTranspose2dReLU",
    "FusedMaxPoolConvTranspose2dBNReLU",
    "FusedMaxPoolConvTranspose2dAbs",
    "FusedAvgPoolConvTranspose2d",
    "FusedAvgPoolConvTranspose2dReLU",
    "FusedAvgPoolConvTranspose2dBNReLU",
    "FusedAvgPoolConvTranspose2dAbs",
]


@pytest.mark.parametrize("name", CONV2D + CONV1D + TRANSPOSED)
def test_names_mean_what_they_say(name):
    layer = getattr(names, name)(4, 8, 3)
    kind = {"1d": Conv1d, "2d": ConvTranspose2d if "Transpose" in name else Conv2d}
    assert type(layer) is next(kind[key] for key in kind if key in name)
    assert layer.plan.pool == {"M": "max", "A": "avg"}.get(name.removeprefix("Fused")[0])
    assert (layer.bn is not None) == ("BN" in name)
    assert (layer.plan.activation is Activation.RELU) == name.endswith("ReLU")
    assert (layer.plan.activation is Activation.ABS) == name.endswith("Abs")
    assert layer.plan.padding == 0


def test_two_names_have_no_abs_in_the_vendors_training_either():
    for name in ("FusedMaxPoolConv1dBNAbs", "FusedAvgPoolConv1dBNAbs"):
        layer = getattr(names, name)(4, 8, 3)
        assert layer.plan.activation is Activation.NONE
        assert layer.bn is not None


class VendorStyle(nn.Module):
    """A model as the vendor's model files write them."""

    def __init__(self, num_classes=10, num_channels=1, **kwargs):
        super().__init__()
        self.conv1 = names.FusedConv2dBNReLU(
            num_channels, 8, 3, stride=1, padding=1, bias=True, batchnorm="NoAffine", **kwargs
        )
        self.conv2 = names.FusedMaxPoolConv2dReLU(
            8, 8, (3, 3), pool_size=3, pool_stride=2, stride=1, padding=2, bias=False, **kwargs
        )
        self.pool = names.AvgPool2d(2)
        self.up = names.FusedConvTranspose2dReLU(8, 4, 3, stride=2, padding=1, **kwargs)
        self.add = names.Add()
        self.fc = names.Linear(4 * 64, num_classes, bias=True, wide=True, **kwargs)

    def forward(self, x):
        x = self.up(self.pool(self.conv2(self.conv1(x))))
        x = self.add(x, x)
        return self.fc(x.view(x.size(0), -1))


def test_a_model_of_the_vendors_style_runs():
    names.set_device(device=85, simulate=False, round_avg=False)
    assert VendorStyle()(torch.rand(2, 1, 16, 16)).shape == (2, 10)
    quantized = VendorStyle(weight_bits=8, bias_bits=8, quantize_activation=True)
    assert quantized.conv2.mode is Mode.QAT
    assert "conv1.op.weight" in quantized.state_dict()
    assert "pool.output_shift" in quantized.state_dict()


class Mnist(nn.Module):
    """The vendor's MNIST example network, as its description has it."""

    def __init__(self):
        super().__init__()
        self.conv1 = names.FusedConv2dReLU(1, 60, 3, padding=1, bias=False)
        self.conv2 = names.FusedMaxPoolConv2dReLU(60, 60, 3, padding=2, bias=False)
        self.conv3 = names.FusedMaxPoolConv2dReLU(60, 56, 3, padding=1, bias=False)
        self.conv4 = names.FusedAvgPoolConv2dReLU(56, 12, 3, padding=1, bias=False)
        self.fc = names.Linear(192, 10, bias=True, wide=True)

    def forward(self, x):
        x = self.conv4(self.conv3(self.conv2(self.conv1(x))))
        return self.fc(x.flatten(1))


class KeywordSpotting(nn.Module):
    """The vendor's 20-keyword network (third version), as its description has it."""

    def __init__(self):
        super().__init__()
        self.voice_conv1 = names.FusedConv1dReLU(128, 100, 1, bias=False)
        self.voice_conv2 = names.FusedConv1dReLU(100, 96, 3, bias=False)
        self.voice_conv3 = names.FusedMaxPoolConv1dReLU(96, 64, 3, padding=1, bias=False)
        self.voice_conv4 = names.FusedConv1dReLU(64, 48, 3, bias=False)
        self.kws_conv1 = names.FusedMaxPoolConv1dReLU(48, 64, 3, padding=1, bias=False)
        self.kws_conv2 = names.FusedConv1dReLU(64, 96, 3, bias=False)
        self.kws_conv3 = names.FusedAvgPoolConv1dReLU(96, 100, 3, padding=1, bias=False)
        self.kws_conv4 = names.FusedMaxPoolConv1dReLU(100, 64, 6, padding=1, bias=False)
        self.fc = names.Linear(256, 21, wide=True)

    def forward(self, x):
        x = self.voice_conv4(self.voice_conv3(self.voice_conv2(self.voice_conv1(x))))
        x = self.kws_conv4(self.kws_conv3(self.kws_conv2(self.kws_conv1(x))))
        return self.fc(x.flatten(1))


@pytest.mark.parametrize(("folder", "network"), [("mnist", Mnist), ("kws20_v3", KeywordSpotting)])
def test_known_answers_of_the_vendors_networks(folder, network, vectors_dir):
    if vectors_dir is None:
        pytest.skip("the vendor's files are not beside this checkout")
    case = vectors_dir / "trained" / folder
    model = network().eval()
    state = dict(load_checkpoint(case / "checkpoint.pth.tar").state_dict)
    # The known answer is of the entries with a prefix alone; kws20_v3 has biases without one.
    for name, layer in model.named_children():
        if layer.op.bias is None:
            state.pop(f"{name}.op.bias", None)
    model.load_state_dict(state)
    set_mode(model, Mode.INTEGER)
    expected = json.loads(gzip.decompress((case / "expected.json.gz").read_bytes()))
    words = [word for _, _, words in expected["sample_output"] for word in words]
    sample = torch.from_numpy(np.load(case / "sample.npy")).float()
    assert model(sample[None])[0].tolist() == np.uint32(words).view(np.int32).tolist()


def test_linear_has_no_bias_unless_asked():
    assert names.Linear(4, 2).op.bias is None
    assert names.FusedLinearReLU(4, 2, bias=True).op.bias is not None


def test_batch_norm_settings():
    layer = names.FusedConv2dBN(4, 8, 3, eps=1e-3, momentum=0.2)
    assert layer.bn is not None
    assert (layer.bn.eps, layer.bn.momentum) == (1e-3, 0.2)


def test_refusals_say_why():
    with pytest.raises(UnsupportedError, match="only the MAX78002 has depthwise"):
        _ = names.FusedDepthwiseConv2dReLU
    with pytest.raises(AttributeError):
        _ = names.FusedConv3d
    with pytest.raises(UnsupportedError, match="not square"):
        names.Conv2d(4, 8, (1, 3))
    with pytest.raises(UnsupportedError, match="bias_bits 4 differ"):
        names.Conv2d(4, 8, 3, weight_bits=8, bias_bits=4)
    with pytest.raises(UnsupportedError, match="cannot be quantized alone"):
        names.Conv2d(4, 8, 3, quantize_activation=True)
    with pytest.raises(UnsupportedError, match="dilation 2"):
        names.FusedMaxPoolConv2d(4, 8, 3, pool_dilation=2)
    with pytest.raises(UnsupportedError, match="dilation 2"):
        names.MaxPool2d(2, dilation=2)


@pytest.mark.parametrize("arguments", [(87, False, False), (85, True, False), (85, False, True)])
def test_set_device_checks(arguments):
    with pytest.raises(UnsupportedError):
        names.set_device(*arguments)


def test_batch_norm_needs_no_bias_of_its_own():
    layer = names.FusedConv2dBNReLU(3, 4, 3, padding=1, bias=False)
    assert layer.op.bias.abs().sum() == 0
    state = layer.state_dict()
    del state["op.bias"]  # as the vendor's checkpoints are
    layer.load_state_dict(state)
    layer.fold_batchnorm()
    assert layer.op.bias is not None


def test_models_may_ask_for_the_device_and_pass_through_empty_layers():
    assert (names.dev.WEIGHT_INPUTS, names.dev.WEIGHT_DEPTH) == (64, 768)
    x = torch.rand(1, 2)
    assert names.Empty()(x) is x


def test_fire_expands_what_it_squeezed():
    fire = vendor_blocks.Fire(8, 2, 4, 6, bias=True)
    assert fire(torch.rand(1, 8, 4, 4)).shape == (1, 10, 4, 4)
    with pytest.raises(UnsupportedError, match="this block of the vendor's is not here"):
        _ = vendor_blocks.MBConvBlock


@pytest.mark.parametrize(
    ("options", "keys", "shape"),
    [
        # its checkpoints have these entries, and no others
        (
            {"in_channels": 6, "out_channels": 6, "expansion_factor": 2, "depthwise_bias": True},
            {"conv1.op.weight", "conv2.op.weight", "conv2.op.bias", "conv2.bn.running_mean"},
            (1, 6, 8, 8),
        ),
        (
            {"in_channels": 6, "out_channels": 9, "expansion_factor": 1, "stride": 2},
            {"conv2.op.weight"},
            (1, 9, 4, 4),
        ),
    ],
)
def test_a_bottleneck_expands_and_comes_back(options, keys, shape):
    block = vendor_blocks.ConvResidualBottleneck(**options).eval()
    state = block.state_dict()
    assert keys <= state.keys()
    assert {name.partition(".")[0] for name in state} == {name.partition(".")[0] for name in keys}
    assert any(".bn." in name for name in state) is options.get("depthwise_bias", False)
    x = torch.rand(1, 6, 8, 8) * 0.9
    assert block(x).shape == shape
    if options["in_channels"] == options["out_channels"]:
        with torch.no_grad():
            block.conv2.op.weight.zero_()
            block.conv2.op.bias.zero_()
        torch.testing.assert_close(block(x), x, atol=1e-6, rtol=0)
