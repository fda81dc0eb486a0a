"""Sample files: shapes and integer types that are taken, exact words for what is not."""

import contextlib
import io

import numpy as np
import pytest

from max78000.errors import InputError
from max78000.facts.fixed import AS_BYTES
from synthesis.read.sample import PictureForm, read_sample, read_sample_or_picture


def saved(folder, array, **options):
    path = folder / "sample.npy"
    np.save(path, array, **options)
    return path


def refusal(path):
    with pytest.raises(InputError) as error:
        read_sample(path)
    assert error.value.exit_code == 2
    return str(error.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_integer_types(tmp_path, dtype, order):
    values = np.arange(24).reshape(2, 3, 4)
    image = read_sample(saved(tmp_path, np.array(values, dtype, order=order)))
    assert image.dtype == np.int64
    np.testing.assert_array_equal(image, values)


def test_one_dimensional_data_has_one_column(tmp_path):
    assert read_sample(saved(tmp_path, np.ones((2, 5), np.int8))).shape == (2, 5, 1)


def test_the_whole_range_is_taken(tmp_path):
    image = read_sample(saved(tmp_path, np.array([[[-128, 127]]])))
    assert image.tolist() == [[[-128, 127]]]


# fmt: off
REFUSED = [
    # sample                            the message after the name of the file
    (np.zeros((2, 3, 4)),               f"holds float64, not integers [G24] ({AS_BYTES})"),
    (np.zeros((2, 3, 4), bool),         f"holds bool, not integers [G24] ({AS_BYTES})"),
    (np.full((2, 3, 4), "1"),           f"holds <U1, not integers [G24] ({AS_BYTES})"),
    (np.array(1),                       "has shape () [G24] (save one sample as (C, H, W) or "
                                        "(C, L))"),
    (np.zeros(5, np.int8),              "has shape (5,) [G24] (save one sample as (C, H, W) or "
                                        "(C, L))"),
    (np.zeros((1, 2, 3, 4), np.int8),   "has shape (1, 2, 3, 4) [G24] (save one sample as "
                                        "(C, H, W) or (C, L))"),
    (np.zeros((2, 0, 4), np.int8),      "has shape (2, 0, 4) [G24] (save one sample as (C, H, W) "
                                        "or (C, L))"),
    (np.full((1, 2, 2), 128),           "has values 128..128 [G24] (subtract 128 from bytes)"),
    (np.array([[[0, -129]]]),           "has values -129..0 [G24] (subtract 128 from bytes)"),
    (np.array([[[2**64 - 1]]], np.uint64),
                                        "has values 18446744073709551615..18446744073709551615 "
                                        "[G24] (subtract 128 from bytes)"),
]
# fmt: on


@pytest.mark.parametrize(("sample", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused(tmp_path, sample, message):
    assert refusal(saved(tmp_path, sample)) == message


def test_missing_file_and_folder(tmp_path):
    assert refusal(tmp_path / "no.npy") == "no such file [G24] (give --sample-input)"
    assert refusal(tmp_path).startswith("is not a .npy array: [Errno 21] Is a directory")


def test_pickled_objects_are_not_loaded(tmp_path):
    path = saved(tmp_path, np.array([{"a": 1}]), allow_pickle=True)
    assert refusal(path) == (
        "is not a .npy array: Object arrays cannot be loaded when allow_pickle=False [G24] "
        "(save it again with numpy.save)"
    )


def test_an_archive_of_arrays(tmp_path):
    path = tmp_path / "sample.npz"
    np.savez(path, a=np.zeros((1, 2, 2), np.int8))
    assert refusal(path).startswith("is not a .npy array: the magic string is not correct")


@pytest.fixture
def whole(tmp_path):
    return saved(tmp_path, np.zeros((2, 3, 4), np.int8)).read_bytes()


def test_cut_short_anywhere(tmp_path, whole):
    path = tmp_path / "cut.npy"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert refusal(path).endswith("[G24] (save it again with numpy.save)")


@pytest.mark.parametrize("shape", [b"(99999999,9999999999)", b"(2,3,4", b"(2,3,4))", b"(-2,3,4)"])
def test_impossible_headers(tmp_path, whole, shape):
    header = whole.replace(b"(2, 3, 4), }".ljust(40), (shape + b", }").ljust(40))
    assert header != whole
    path = tmp_path / "header.npy"
    path.write_bytes(header)
    assert refusal(path).startswith("is not a .npy array: ")


def test_damaged_bytes(tmp_path, whole):
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged.npy"
    for _ in range(300):
        damaged = bytearray(whole)
        for position in rng.integers(0, 128, 2):
            damaged[position] = rng.choice(list(b"(){}',:0123456789<>iuO "))
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):
            read_sample(path)


def test_the_file_is_closed(tmp_path):
    """Warnings are errors: a file left open would fail this test."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    path = tmp_path / "open.npy"
    path.write_bytes(buffer.getvalue()[:90])
    refusal(path)
    path.unlink()


CENTRED = {"low": 0.0, "high": 255.0, "mean": [128.0], "fold": 2}


def picture(folder, shape, name="sample.png"):
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    image.fromarray(pixels).save(folder / name)
    return folder / name, pixels.reshape(*shape[:2], -1).transpose(2, 0, 1).astype(np.int64) - 128


@pytest.mark.parametrize("trained", [{}, CENTRED])
def test_pictures_are_folded_to_the_channels_of_the_network(tmp_path, trained):
    path, pixels = picture(tmp_path, (6, 4, 3))
    np.testing.assert_array_equal(read_sample_or_picture(path, PictureForm(3, trained)), pixels)
    folded = read_sample_or_picture(path, PictureForm(12, trained))
    assert folded.shape == (12, 3, 2)
    np.testing.assert_array_equal(folded[6:9], pixels[:, 1::2, ::2])
    path, pixels = picture(tmp_path, (4, 4), "SAMPLE.PNG")
    np.testing.assert_array_equal(read_sample_or_picture(path, PictureForm(None, trained)), pixels)


def test_compressed_pictures_are_taken_too(tmp_path):
    path, _ = picture(tmp_path, (8, 8, 3), "sample.jpg")
    assert read_sample_or_picture(path, PictureForm(3, {})).shape == (3, 8, 8)


AT_THE_CORNER = {  # rows and columns of the pixels that are at row 0, column 0 of each channel
    3: ([0] * 3, [0] * 3),
    4: ([0, 0, 1, 1], [0, 1, 0, 1]),
    12: ([0] * 6 + [1] * 6, [0, 0, 0, 1, 1, 1] * 2),
}
LOSSLESS = {"webp": {"lossless": True}}
# fmt: off
AS_TRAINED = [
    # mode, the pixel, and what a network of one channel or three is given of it
    ("RGBA", (9, 9, 9, 0),      [127, 127, 127]),
    ("RGBA", (0, 0, 200, 255),  [-128, -128, 72]),
    ("LA",   (10, 0),           [127]),
    ("LA",   (70, 255),         [-58]),
    ("P",    1,                 [72, -118, -118]),
    ("1",    1,                 [127]),
    ("1",    0,                 [-128]),
    ("I;16", 0x8123,            [1]),
]
# fmt: on


@pytest.mark.parametrize(("mode", "pixel", "values"), AS_TRAINED)
def test_pictures_of_every_kind_are_read_as_in_training(tmp_path, mode, pixel, values):
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    one = image.new(mode, (3, 2), pixel)
    if mode == "P":
        one.putpalette([0, 0, 0, 200, 10, 10])
    one.save(tmp_path / "sample.png")
    sample = read_sample_or_picture(tmp_path / "sample.png", PictureForm(len(values), {}))
    assert sample.shape == (len(values), 2, 3)
    assert sample[:, 0, 0].tolist() == values


def test_pictures_are_turned_as_they_are_shown(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    exif = image.Exif()
    exif[0x0112] = 6  # stored a quarter turn to the left
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, :8] = 255
    image.fromarray(pixels).save(tmp_path / "sample.jpg", exif=exif)
    sample = read_sample_or_picture(tmp_path / "sample.jpg", PictureForm(1, {}))
    assert sample.shape == (1, 16, 8)
    assert sample[0, 0].min() > 120
    assert sample[0, -1].max() < -120


@pytest.mark.parametrize(
    ("channels", "trained", "message"),
    [
        (5, {}, "the picture is in colours, and does not fold to the 5 channels"),
        (27, {}, "has 8x8 pixels (rows x columns), to be folded by 3"),
        (3, {**CENTRED, "mean": [0.0]}, "the checkpoint asks for inputs that are not pixels less"),
        (3, {"low": 1}, "the checkpoint asks for inputs that are not pixels less"),
    ],
)
def test_pictures_that_are_refused(tmp_path, channels, trained, message):
    path, _ = picture(tmp_path, (8, 8, 3))
    with pytest.raises(InputError) as error:
        read_sample_or_picture(path, PictureForm(channels, trained))
    assert str(error.value).startswith(f"{path}: {message}")
    assert error.value.fix


@pytest.mark.parametrize("kind", ["bmp", "gif", "webp", "tiff", "ppm", "PNG", "picture"])
def test_pictures_of_other_formats_are_read(tmp_path, kind):
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    path = tmp_path / f"sample.{kind}"
    written = "png" if kind == "picture" else kind.lower()
    image.new("RGB", (4, 2), (255, 0, 255)).save(path, format=written, **LOSSLESS.get(kind, {}))
    sample = read_sample_or_picture(path, PictureForm(3, {}))
    assert sample.shape == (3, 2, 4)
    assert sample[:, 0, 0].tolist() == [127, -128, 127]


def test_arrays_under_another_name_are_still_arrays(tmp_path):
    values = np.arange(12, dtype=np.int8).reshape(3, 2, 2)
    with (tmp_path / "sample.dat").open("wb") as file:
        np.save(file, values)
    sample = read_sample_or_picture(tmp_path / "sample.dat", PictureForm(3, {}))
    np.testing.assert_array_equal(sample, values)


@pytest.mark.parametrize(("channels", "shape"), [(3, (3, 4, 6)), (12, (12, 2, 3)), (4, (4, 2, 3))])
def test_grey_pictures_are_in_three_equal_colours_for_networks_that_take_them(
    tmp_path, channels, shape
):
    path, pixels = picture(tmp_path, (4, 6))
    sample = read_sample_or_picture(path, PictureForm(channels, {}))
    assert sample.shape == shape
    np.testing.assert_array_equal(sample[:, 0, 0], pixels[0, *AT_THE_CORNER[channels]])


@pytest.mark.parametrize("name", ["sample.png", "sample.svg"])
def test_what_is_no_picture_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be read") as error:
        read_sample_or_picture(path, PictureForm(3, {}))
    assert error.value.fix == "give a picture, such as a PNG or a JPEG, or an .npy array"
