import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ai8x_models.layers.batchnorm import BatchNorm, fold_batchnorm


def _trained_norm(channels, affine=True):
    norm = nn.BatchNorm2d(channels, affine=affine)
    with torch.no_grad():
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.01, 2)
        if affine:
            norm.weight.uniform_(-2, 2)
            norm.bias.uniform_(-1, 1)
    return norm.eval()


def _parts(norm):
    return BatchNorm(norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("has_bias", [True, False])
def test_folded_weights_give_a_quarter_of_the_batch_norm(affine, has_bias):
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(3, 5, 3, padding=1, bias=has_bias), _trained_norm(5, affine)
    x = torch.randn(2, 3, 6, 6)
    weight, bias = fold_batchnorm(conv.weight, conv.bias, _parts(norm))
    assert torch.allclose(F.conv2d(x, weight, bias, padding=1), norm(conv(x)) / 4, atol=1e-5)


def test_transposed_convolutions_have_outputs_on_axis_one():
    torch.manual_seed(0)
    conv = nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1)  # square on purpose
    norm, x = _trained_norm(4), torch.randn(1, 4, 5, 5)
    weight, bias = fold_batchnorm(conv.weight, conv.bias, _parts(norm), output_axis=1)
    folded = F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)
    assert torch.allclose(folded, norm(conv(x)) / 4, atol=1e-5)


def test_eps_counts():
    weight, tiny = torch.ones(1, 1, 1, 1), torch.tensor([1e-12])
    norm = BatchNorm(torch.zeros(1), tiny, eps=1e-5)
    folded, bias = fold_batchnorm(weight, None, norm)
    assert folded.item() == pytest.approx(0.25 / (1e-12 + 1e-5) ** 0.5, rel=1e-6)
    assert bias.item() == 0
