"""Other inputs for a program: reading pictures and arrays, and refusing what does not fit."""

import sys

import numpy as np
import pytest
from PIL import Image

from ai8x_models.layers.space_to_depth import fold_image
from max78000.errors import InputError, UnsupportedError
from max78000.facts.chip import MAX78000 as CHIP
from max78000.machine.inputs import with_input
from max78000.machine.machine import Machine
from max78000.program.input_file import read_input
from networks import Net, compile_net, image_of

NET = Net("{op: conv2d, kernel_size: 3x3, pad: 1, activate: ReLU}", "4x3x3x3", "3x6x8")


@pytest.fixture(scope="module")
def program():
    return compile_net(NET).program


def read_of(program):
    return Machine(CHIP).run(program).setups[0].read


def test_the_same_input_gives_the_same_program(program):
    same = with_input(program, read_of(program), image_of(NET), CHIP)
    assert same.phases == program.phases
    assert same.known_answer == ()


def test_another_input_gives_another_answer(program):
    image = -1 - image_of(NET)
    machine = Machine(CHIP)
    machine.run(with_input(program, read_of(program), image, CHIP))
    assert machine.check_known_answer(program) is not None
    expected = Machine(CHIP)
    expected.run(compile_net(Net(NET.layers, NET.weights, NET.image)).program)
    output = program.outputs[0]
    assert (machine.read_output(output) != expected.read_output(output)).any()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((3, 8, 6), int), "the input is 3x8x6, layer 0 reads 3x6x8"),
        (np.zeros((6, 8), int), "the input is 6x8, layer 0 reads 3x6x8"),
        (np.zeros((4, 6, 8), int), "the input has 4 channels, layer 0 reads 3x6x8"),
        (np.full((3, 6, 8), 200), r"values 200..200 are not in -128..127 \(subtract 128"),
    ],
)
def test_inputs_that_do_not_fit(program, image, message):
    with pytest.raises(InputError, match=message):
        with_input(program, read_of(program), image, CHIP)


def save(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def test_pictures(tmp_path):
    pixels = np.random.default_rng(3).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    signed = np.moveaxis(pixels, -1, 0).astype(int) - 128
    path = save(tmp_path / "colour.png", pixels)
    assert (read_input(path, 12, 16, 12) == signed).all()
    assert (read_input(path, 6, 8, 12) == fold_image(signed)).all()
    grey = save(tmp_path / "grey.png", pixels[..., 0])
    assert (read_input(grey, 12, 16, 12) == signed[:1]).all()
    with pytest.raises(InputError, match=r"has 12x16 pixels .*bring it to 5x8"):
        read_input(path, 5, 8, 12)
    with pytest.raises(InputError, match="has 12x16 pixels"):
        read_input(path, 6, 16, 12)
    with pytest.raises(InputError) as refusal:
        read_input(path, 3, 4, 12)
    assert refusal.value.why == (
        "the picture has 12x16 pixels (rows x columns), the network takes 3x4 with 12 channels,"
        " not 48 of it folded"
    )
    assert refusal.value.fix == "bring it to 3x4"


def test_arrays(tmp_path):
    path = tmp_path / "sample.npy"
    np.save(path, np.arange(12, dtype=np.int8).reshape(3, 4))
    assert read_input(path, 4, 1, 12).shape == (3, 4, 1)
    np.save(path, np.zeros((3, 4)))
    with pytest.raises(InputError, match=r"holds float64, not integers .*for x in -1..1"):
        read_input(path, 4, 1, 12)
    path.write_bytes(b"no array")
    with pytest.raises(InputError, match="cannot be read"):
        read_input(path, 4, 1, 12)


def test_files_that_are_no_pictures(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="cannot be read"):
        read_input(tmp_path / "none.png", 4, 4, 12)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match="cannot be read"):
        read_input(tmp_path / "text.png", 4, 4, 12)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UnsupportedError, match="pictures need Pillow"):
        read_input(tmp_path / "text.png", 4, 4, 12)
