"""What a sample becomes: range, layout, size, fold."""

import numpy as np
import pytest
import torch

from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.training.data.form import InputForm, layout_of, real_numbers
from ai8x_models.zoo.toy_data import draw_samples
from max78000.errors import InputError


def test_a_picture_s_byte_is_the_signed_byte():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    found = InputForm((1, 16, 16), 0.0, 255.0, "HWC").integers(pixels)
    np.testing.assert_array_equal(found.ravel(), np.arange(-128, 128))
    assert found.dtype == np.int8


def test_numbers_of_the_zoo_stay_as_they_are():
    drawn = draw_samples("digits", 3)
    form = InputForm((1, 28, 28), -1.0, 127 / 128, "CHW")
    found = form.integers(drawn.inputs.numpy())
    np.testing.assert_array_equal(found, drawn.device_inputs())
    assert torch.equal(real_numbers(found), drawn.inputs)


def test_ends_of_a_range_are_the_ends_of_the_byte_and_beyond_is_cut():
    found = InputForm((1, 1, 4), 0.0, 16.0, "HW").integers(np.array([[[0, 16, -3, 99]]]))
    assert found.tolist() == [[[[-128, 127, -128, 127]]]]


def test_a_mean_becomes_zero_in_its_channel():
    form = InputForm((3, 1, 1), 0.0, 255.0, "HWC", mean=(10.0, 20.0, 30.0))
    assert form.integers(np.array([[[[10, 21, 255]]]])).ravel().tolist() == [0, 1, 127]


def test_channels_and_steps_are_moved_to_the_front():
    signal = np.arange(12).reshape(1, 4, 3)
    found = InputForm((3, 4), -128.0, 127.0, "LC").integers(signal)
    np.testing.assert_array_equal(found[0], signal[0].T)


def test_pictures_of_another_size_are_resized():
    flat = np.full((2, 8, 6), 16.0)
    found = InputForm((1, 16, 16), 0.0, 16.0, "HW").integers(flat)
    assert found.shape == (2, 1, 16, 16)
    assert (found == 127).all()


@pytest.mark.parametrize("ratio", [2, 4])
def test_a_folded_input_is_folded_on_the_way_to_the_device(ratio):
    sample = np.arange(48, dtype=np.int8).reshape(3, 4, 4)
    form = InputForm((3, 4, 4), 0.0, 255.0, "HWC")
    np.testing.assert_array_equal(form.device_input(sample), sample)
    folded = form.folded_by(ratio).device_input(sample)
    np.testing.assert_array_equal(folded, fold_image(sample, ratio))


def test_a_picture_file_stands_for_the_source_s_range():
    form = InputForm((1, 1, 2), 0.0, 16.0, "HW", mean=(8.0,)).of_pictures()
    assert form.integers(np.array([[[[128], [0]]]])).ravel().tolist() == [1, -127]


def test_a_form_survives_a_file():
    form = InputForm((3, 4, 4), 0.0, 1.0, "CHW", (0.5,), 2)
    assert InputForm.from_json(form.to_json()) == form


@pytest.mark.parametrize(
    ("sample", "shape", "layout"),
    [
        ((28, 28), None, "HW"),
        ((28, 28), (1, 28, 28), "HW"),
        ((6, 128), (6, 128), "CL"),
        ((128, 6), (6, 128), "LC"),
        ((32, 32, 3), None, "HWC"),
        ((3, 32, 32), None, "CHW"),
        ((3, 30, 3), (3, 30, 3), "CHW"),
        ((50, 60, 3), (3, 32, 32), "HWC"),
    ],
)
def test_layouts_are_told_from_shapes(sample, shape, layout):
    assert layout_of(sample, shape) == layout


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"a sample is 2x4x4 \(CHW\), the network takes 3x4x4"):
        InputForm((3, 4, 4), 0.0, 1.0, "CHW").integers(np.zeros((1, 2, 4, 4)))
    with pytest.raises(InputError, match="neither a picture nor a signal"):
        layout_of((3,), None)
