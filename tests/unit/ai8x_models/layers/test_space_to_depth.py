import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ai8x_models.layers.space_to_depth import fold_image, fold_kernel, unfold_image
from max78000.errors import InputError


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_channel_order(ratio):
    image = np.arange(2 * 12 * 24).reshape(2, 12, 24)
    folded = fold_image(image, ratio)
    assert folded.shape == (2 * ratio**2, 12 // ratio, 24 // ratio)
    for i in range(ratio):
        for j in range(ratio):
            for c in range(2):
                block = image[c, i::ratio, j::ratio]
                assert np.array_equal(folded[(ratio * i + j) * 2 + c], block)
    assert np.array_equal(unfold_image(folded, ratio), image)


def test_numpy_and_torch_agree_and_unfold_inverts():
    image = np.random.default_rng(0).integers(-128, 128, (3, 3, 8, 6), dtype=np.int8)
    folded = fold_image(image)
    assert folded.dtype == np.int8
    assert np.array_equal(fold_image(torch.from_numpy(image)).numpy(), folded)
    assert np.array_equal(unfold_image(folded), image)
    assert torch.equal(unfold_image(torch.from_numpy(folded)), torch.from_numpy(image))


def _stride_two(image, kernel, padding):
    if padding == "same":
        return F.conv2d(F.pad(image, (0, 1, 0, 1)), kernel, stride=2)
    return F.conv2d(image, kernel, stride=2, padding=1)


@pytest.mark.parametrize("padding", ["one", "same"])
def test_folded_convolution_equals_the_strided_one(padding):
    torch.manual_seed(0)
    image, kernel = torch.randn(2, 3, 16, 12), torch.randn(5, 3, 3, 3)
    strided = _stride_two(image, kernel, padding)
    folded = F.conv2d(fold_image(image), fold_kernel(kernel, padding), padding=1)
    assert folded.shape == strided.shape
    assert torch.allclose(folded, strided, atol=1e-5)


@pytest.mark.parametrize("padding", ["one", "same"])
def test_integers_are_equal(padding):
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(-128, 128, (1, 3, 8, 8), generator=generator).double()
    kernel = torch.randint(-128, 128, (4, 3, 3, 3), generator=generator).double()
    folded = F.conv2d(fold_image(image), fold_kernel(kernel, padding), padding=1)
    assert torch.equal(folded, _stride_two(image, kernel, padding))


def test_folded_kernel_keeps_its_taps():
    kernel = np.arange(1, 55, dtype=np.int8).reshape(2, 3, 3, 3)
    folded = fold_kernel(kernel)
    assert folded.shape == (2, 12, 3, 3)
    assert folded.dtype == np.int8
    assert sorted(folded[folded != 0]) == sorted(kernel.flatten())
    assert not folded[:, :, 2].any()  # tap 2 is never used with padding 1
    assert not folded[:, :, :, 2].any()


@pytest.mark.parametrize("ratio", [2, 3, 4, 8])
def test_a_folded_kernel_is_one_of_three_ratios_with_the_ratio_as_stride(ratio):
    torch.manual_seed(0)
    image = torch.randn(2, 3, 48, 24)
    kernel = torch.randn(5, 3, 3 * ratio, 3 * ratio) / ratio
    strided = F.conv2d(image, kernel, stride=ratio, padding=ratio)
    folded = F.conv2d(fold_image(image, ratio), fold_image(kernel, ratio), padding=1)
    assert torch.allclose(folded, strided, atol=1e-4)


def test_refusals():
    with pytest.raises(InputError, match="7x8 cannot be folded by 2"):
        fold_image(np.zeros((3, 7, 8)))
    with pytest.raises(InputError, match="6x8 cannot be folded by 4") as caught:
        fold_image(np.zeros((3, 6, 8)), 4)
    assert caught.value.fix == "crop or pad its rows and columns to multiples of 4"
    with pytest.raises(InputError, match="only 3x3 kernels"):
        fold_kernel(np.zeros((4, 3, 5, 5)))
