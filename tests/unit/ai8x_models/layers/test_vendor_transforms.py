"""Transforms under the vendor's names."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ai8x_models.layers import vendor_names as ai8x
from ai8x_models.layers.space_to_depth import fold_image


def test_bytes_become_signed_bytes_over_128():
    sample = torch.arange(257) / 256
    wanted = torch.arange(-128, 129).clamp(max=127)
    eight = ai8x.normalize(args=SimpleNamespace(act_mode_8bit=True))(sample)
    assert torch.equal(eight, wanted.float())
    real = ai8x.normalize(args=SimpleNamespace(act_mode_8bit=False))(sample)
    assert torch.equal(real, wanted / 128)


@pytest.mark.parametrize("ratio", [2, 4])
def test_folding_puts_sub_pictures_behind_each_other(ratio):
    picture = torch.arange(3 * 8 * 8).reshape(3, 8, 8)
    found = ai8x.fold(fold_ratio=ratio)(picture)
    assert found.shape == (3 * ratio**2, 8 // ratio, 8 // ratio)
    assert torch.equal(found[3:6], picture[:, 0::ratio, 1::ratio])
    if ratio == 2:
        np.testing.assert_array_equal(found.numpy(), fold_image(picture.numpy()))
