"""Pictures in folders, with masks, or named by a table."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.source import Answers
from max78000.errors import InputError, ProblemList

SHAPE = (1, 4, 4)


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def grey(path, level, size=(4, 4)):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


def table(*lines, path="pets/labels.csv", count=10):
    for index in range(count):
        grey(f"pets/{index}.png", 10 * index)
    Path(path).write_text("\n".join(lines) + "\n")


def levels(samples):
    return samples.inputs[:, 0, 0, 0].astype(int) + 128


def opened(source, split="train", **options):
    return open_samples(DataPlan(source, test_share=0.0), split, SHAPE, **options)


def test_a_column_of_words_are_classes():
    table("file,class", *(f"{index}.png,{'dog' if index % 2 else 'cat'}" for index in range(10)))
    for source in ("pets", "pets/labels.csv"):
        found = opened(source)
        assert found.classes == ("cat", "dog")
        np.testing.assert_array_equal(found.targets, levels(found) // 10 % 2)


def test_whole_numbers_are_classes_or_numbers():
    table(*(f"{index}.png,{index % 3}" for index in range(10)))
    assert opened("pets").classes == ("0", "1", "2")
    assert opened("pets", answers=Answers.NUMBERS).targets.shape == (9, 1)


def test_several_columns_are_numbers():
    table("name, x, y", *(f"{index}.png,{index}, 0.5" for index in range(10)))
    found = opened("pets", answers=Answers.NUMBERS)
    np.testing.assert_array_equal(found.targets[:, 0] * 10, levels(found))
    assert found.targets[0].tolist()[1] == 0.5


def test_a_column_says_the_split():
    splits = ["train"] * 6 + ["validation"] * 3 + ["test"]
    table("file,split,class", *(f"{i}.png,{split},a{i % 2}" for i, split in enumerate(splits)))
    assert [len(opened("pets", one)) for one in ("train", "validation", "test")] == [6, 3, 1]


def test_everything_wrong_with_a_table_is_said_with_its_line():
    table("file,split,class", "0.png,train,a", "no.png,train,b", "1.png,later,b", "2.png,train")
    with pytest.raises(ProblemList) as caught:
        opened("pets")
    assert str(caught.value).splitlines() == [
        "pets/labels.csv:3: there is no file no.png (name it as seen from the table's folder)",
        "pets/labels.csv:4: split is 'later' (one of train, validation, test)",
        "pets/labels.csv:5: has 2 columns, not 3"
        " (write a line for each sample: its file, then its class or its numbers)",
    ]


def test_many_problems_of_a_table_are_counted():
    table("file,class", *(f"none{index}.png,a" for index in range(30)))
    with pytest.raises(ProblemList, match="and 20 more problems"):
        opened("pets")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names no samples"),
        (b"file,class\n", "names no samples"),
        (b"0.png\n1.png\n", "has one column"),
        (b"\xff\xfe\x00", "is not a table in UTF-8"),
    ],
)
def test_tables_that_are_none(content, message):
    table()
    Path("pets/labels.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        opened("pets")


def test_pictures_and_their_masks():
    for index in range(10):
        grey(f"roads/pictures/{index}.jpg", 10 * index, (8, 8))
        mask = np.zeros((8, 8), np.uint8)
        mask[:, : index % 3] = 1
        mask[7] = 255
        Path("roads/masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(f"roads/masks/{index}.png")
    Path("roads/classes.txt").write_text("ground\nroad\n")
    found = opened("roads", answers=Answers.MASKS)
    assert (found.classes, found.targets.shape) == (("ground", "road"), (9, 4, 4))
    assert set(np.unique(found.targets)) == {0, 1, 255}


def test_masks_that_do_not_fit_are_told_from_their_headers():
    for index in range(4):
        grey(f"roads/pictures/{index}.png", 0, (8, 6))
    grey("roads/masks/0.png", 1, (8, 6))
    grey("roads/masks/1.png", 1, (6, 8))
    Image.new("RGB", (8, 6)).save("roads/masks/2.png")
    with pytest.raises(ProblemList) as caught:
        opened("roads", answers=Answers.MASKS)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("roads/pictures/1.png: the picture and its mask have different")
    assert lines[1].startswith("roads/masks/2.png: is in colours (mode RGB)")
    assert lines[2].startswith("roads/pictures/3.png: has no mask 3.png")


def test_a_turned_picture_fits_its_upright_mask():
    Path("roads/pictures").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    for index in range(4):
        Image.new("L", (8, 6)).save(f"roads/pictures/{index}.png", exif=exif)
        grey(f"roads/masks/{index}.png", 1, (6, 8))
    assert opened("roads", answers=Answers.MASKS).targets.shape == (3, 4, 4)
