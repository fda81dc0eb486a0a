"""Pictures of tensors: pixels, read back by another library."""

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from ai8x_models.layers.space_to_depth import fold_image
from synthesis.report.pictures import input_picture, output_picture, png, unfold


def pixels(picture):
    """What a viewer sees: (H, W) or (H, W, 3)."""
    kind, _, data = picture.uri.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(b64decode(data))) as image:
        assert image.size == (picture.width, picture.height)
        return np.array(image)


def drawn(*shape):
    return np.random.default_rng(0).integers(-128, 128, shape)


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (300, 256), (4, 6, 3), (256, 256, 3)])
def test_png_files_are_read_by_others(shape):
    wanted = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    with Image.open(io.BytesIO(png(wanted))) as image:
        assert np.array_equal(np.array(image), wanted)


def test_grey_and_colour_pictures_are_shown_as_they_are():
    grey, colours = drawn(1, 5, 7), drawn(3, 5, 7)
    assert np.array_equal(pixels(input_picture(grey)), grey[0] + 128)
    assert np.array_equal(pixels(input_picture(colours)), colours.transpose(1, 2, 0) + 128)


def test_folded_pictures_are_unfolded():
    """The folding of the training side, undone."""
    picture = drawn(3, 8, 6)
    found = input_picture(fold_image(picture))
    assert np.array_equal(pixels(found), picture.transpose(1, 2, 0) + 128)
    assert found.about == "read as a 8x6 picture folded by 2"


@pytest.mark.parametrize(("colours", "ratio"), [(1, 2), (3, 2), (3, 4)])
def test_every_pixel_of_a_block_has_its_channels(colours, ratio):
    picture = drawn(colours, 8, 12)
    blocks = [picture[:, i::ratio, j::ratio] for i in range(ratio) for j in range(ratio)]
    assert np.array_equal(unfold(np.concatenate(blocks), colours, ratio), picture)


def test_one_dimensional_data_has_a_row_for_each_channel():
    data = drawn(5, 20, 1)
    assert np.array_equal(pixels(input_picture(data)), data[:, :, 0] + 128)


def test_single_rows_of_values_are_strips():
    data = drawn(20, 1, 1)
    found = input_picture(data)
    assert found.about == "its channels from left to right"
    assert np.array_equal(pixels(found), np.repeat(data.reshape(1, 20) + 128, 16, axis=0))
    assert input_picture(drawn(1, 20, 1)).about == "its values from left to right"


def test_results_go_from_black_to_white():
    result = np.array([[[-1000, 0], [1000, 3000]]])
    assert pixels(output_picture(result)).tolist() == [[0, 63], [127, 255]]
    assert pixels(output_picture(np.full((1, 2, 2), 7))).tolist() == [[0, 0], [0, 0]]


def test_channels_stand_side_by_side():
    result = np.stack([np.full((2, 2), value) for value in (0, 255, 255)])
    found = output_picture(result)
    assert found.about == "3 channels from left to right and top to bottom, 2 in a row"
    assert pixels(found).tolist() == [
        [0, 0, 128, 255, 255],
        [0, 0, 128, 255, 255],
        [128] * 5,
        [255, 255, 128, 128, 128],
        [255, 255, 128, 128, 128],
    ]


def test_many_channels_and_many_pixels_are_thinned_out():
    found = output_picture(drawn(100, 4, 4))
    assert "the first 64 of 100 channels" in found.about
    large = input_picture(drawn(3, 600, 100))
    assert (large.width, large.height) == (100, 200)
    assert large.about.endswith("one of 3 rows and one of 1 columns shown")


def test_same_tensor_same_bytes():
    assert output_picture(drawn(3, 4, 4)) == output_picture(drawn(3, 4, 4))
