import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ai8x_models.layers.space_to_depth import fold_image, fold_kernel, unfold_image
from max78000.errors import InputError


def test_channel_order():
    image = np.arange(2 * 4 * 6).reshape(2, 4, 6)
    folded = fold_image(image)
    assert folded.shape == (8, 2, 3)
    for i in range(2):
        for j in range(2):
            for c in range(2):
                assert np.array_equal(folded[(2 * i + j) * 2 + c], image[c, i::2, j::2])


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


def test_refusals():
    with pytest.raises(InputError, match="7x8 cannot be folded"):
        fold_image(np.zeros((3, 7, 8)))
    with pytest.raises(InputError, match="only 3x3 kernels"):
        fold_kernel(np.zeros((4, 3, 5, 5)))
