"""Data of every kind come out as the same samples, or are refused with a way out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.source import Answers
from max78000.errors import InputError, ProblemList, UnsupportedError


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def pictures(folder, classes=("cat", "dog"), count=3):
    for label, name in enumerate(classes):
        home = Path(folder, name)
        home.mkdir(parents=True)
        for index in range(count):
            colour = (255 * label, 10 * index, 0)
            Image.new("RGB", (20, 10), colour).save(home / f"{index}.png")


def test_a_folder_of_classes_is_cut_into_splits():
    pictures("pets", count=10)
    plan = DataPlan("pets", shape=(3, 8, 8))
    splits = {name: open_samples(plan, name) for name in ("train", "validation", "test")}
    assert [len(one) for one in splits.values()] == [14, 2, 4]
    whole = np.concatenate([one.inputs[:, :2, 0, 0] for one in splits.values()])
    assert len(np.unique(whole, axis=0)) == 20  # each picture in one split
    assert splits["train"].classes == ("cat", "dog")
    assert splits["train"].inputs.shape[1:] == (3, 8, 8)
    reds = splits["train"].inputs[:, 0, 0, 0]
    np.testing.assert_array_equal(reds == 127, splits["train"].targets == 1)


def test_a_folder_of_splits_is_taken_as_it_is():
    pictures("pets/train", count=4)
    pictures("pets/validation", ("dog",), count=2)
    plan = DataPlan("pets", shape=(1, 8, 8))
    assert len(open_samples(plan, "train")) == 8
    assert open_samples(plan, "validation").targets.tolist() == [1, 1]
    assert len(open_samples(plan, "test")) == 2  # there is no other


def test_arrays_have_parts_by_name():
    inputs = np.arange(40 * 16, dtype=np.uint8).reshape(40, 4, 4)
    labels = np.arange(40) % 4
    np.savez("keras.npz", x_train=inputs, y_train=labels, x_test=inputs[:5], y_test=labels[:5])
    plan = DataPlan("keras.npz")
    assert [len(open_samples(plan, one)) for one in ("train", "validation", "test")] == [36, 4, 5]
    test = open_samples(plan, "test")
    np.testing.assert_array_equal(test.inputs[:, 0], inputs[:5].astype(int) - 128)
    assert test.classes == ("0", "1", "2", "3")
    whole = DataPlan("keras.npz", validation_share=0.0)  # nothing is kept back
    assert [len(open_samples(whole, one)) for one in ("train", "validation", "test")] == [40, 5, 5]
    np.savez("own.npz", inputs=inputs / 255, targets=labels, classes=["a", "b", "c", "d"])
    own = open_samples(DataPlan("own.npz", test_share=0.0), "train")
    assert (len(own), own.classes) == (36, tuple("abcd"))
    assert (own.form.low, own.form.high) == (0, 1)


def test_a_function_gives_torch_data_sets():
    Path("data.py").write_text(
        "import torch\n"
        "from torch.utils.data import TensorDataset\n"
        "def data():\n"
        "    x = torch.linspace(-1, 0.99, 60).reshape(10, 6, 1)\n"
        "    one = TensorDataset(x, torch.arange(10) % 2)\n"
        "    one.classes = ['still', 'moving']\n"
        "    return one, TensorDataset(x[:2], torch.arange(2))\n"
    )
    train = open_samples(DataPlan("data.py:data", layout="CL"), "train")
    assert (train.inputs.shape, train.classes) == ((9, 6, 1), ("still", "moving"))
    assert len(open_samples(DataPlan("data.py:data", layout="CL"), "test")) == 2


def test_the_zoo_s_toy_data_have_names():
    drawn = open_samples(DataPlan("toy:motion", count=20), "train", (6, 128))
    assert drawn.inputs.shape == (14, 6, 128)
    assert len(open_samples(DataPlan("motion", count=20), "test")) == 4


@pytest.mark.long
def test_scikit_learn_s_digits():
    pytest.importorskip("sklearn", reason="of the extra `dev`")
    test = open_samples(DataPlan("sklearn:digits"), "test")
    assert (test.inputs.shape, test.classes) == ((359, 1, 8, 8), tuple("0123456789"))
    assert (test.inputs.min(), test.inputs.max()) == (-128, 127)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"source": "nowhere"}, "there is no such source of data"),
        ({"source": "empty"}, "can have any size .give `data.shape`"),
        ({"source": "empty", "shape": (3, 8, 8)}, "holds no classes with pictures"),
        ({"source": "loud.npz"}, "their range is not known .give `data.range`"),
        ({"source": "nan.npz"}, "14 of 14 samples hold numbers that are not finite"),
        ({"source": "nan.npz", "range": (0.0, 1.0)}, "14 of 14 samples hold numbers that are not"),
        ({"source": "odd.npz"}, "holds z"),
        ({"source": "pairs.npz"}, "give one class, a whole number from 0"),
        ({"source": "wrong.npz"}, r"classes -1..1 of train are not in 0\.\.1"),
        ({"source": "data.py:data"}, "there is no such file"),
        ({"source": "sklearn:iris"}, "there is no source sklearn:iris"),
        ({"source": "toy:sensors"}, "its answers are numbers, the task learns classes"),
        ({"source": "toy:nothing"}, "there is no data set 'nothing'"),
    ],
)
def test_refusals(plan, message):
    Path("empty").mkdir()
    ones = np.ones((20, 4, 4))
    np.savez("loud.npz", inputs=ones * 7, targets=np.arange(20))
    gap = ones.copy()
    gap[:, 2, 2] = np.nan
    np.savez("nan.npz", inputs=gap, targets=np.arange(20))
    np.savez("odd.npz", z=ones)
    np.savez("pairs.npz", inputs=ones, targets=ones)
    np.savez("wrong.npz", inputs=ones, targets=np.tile([1, -1], 10))
    with pytest.raises((InputError, UnsupportedError), match=message):
        open_samples(DataPlan(**plan), "train")


def test_a_part_beyond_the_range_of_training_is_refused():
    ones = np.ones((20, 4, 4))
    np.savez("a.npz", x_train=ones, y_train=np.arange(20), x_test=-ones, y_test=np.arange(20))
    with pytest.raises(InputError, match=r"samples from -1 to -1 are not in 0\.\.1"):
        open_samples(DataPlan("a.npz"), "test")


def test_a_plan_says_all_that_is_wrong_with_it():
    with pytest.raises(ProblemList) as caught:
        DataPlan("x", shape=(3, 8, 8), range=(1.0, 0.0), mean=(1.0, 2.0))
    assert str(caught.value).splitlines() == [
        "range: [1.0, 0.0] is no range (write what becomes -128 and 127: [0, 255])",
        "mean: 2 numbers for 3 channels (give one a channel, or one for all)",
    ]


@pytest.mark.parametrize(
    ("targets", "answers", "kind"),
    [
        (np.arange(20), Answers.CLASSES, np.int64),
        (np.arange(20)[:, None], Answers.CLASSES, np.int64),
        (np.arange(20), Answers.NUMBERS, np.float32),
        (np.linspace(0, 1, 60).reshape(20, 3), Answers.NUMBERS, np.float32),
        (np.ones((20, 4, 4), int), Answers.MASKS, np.uint8),
        (np.full((20, 2, 5), -1.0), Answers.BOXES, np.float32),
        (np.zeros((20, 7, 3)), Answers.KEYPOINTS, np.float32),
    ],
)
def test_targets_are_what_the_task_learns(targets, answers, kind):
    np.savez("own.npz", inputs=np.zeros((20, 4, 4)), targets=targets)
    found = open_samples(DataPlan("own.npz", test_share=0.0), "train", answers=answers)
    assert (found.answers, found.targets.dtype, len(found)) == (answers, kind, 18)


def test_any_answers_will_do_where_none_are_learned():
    drawn = open_samples(DataPlan("toy:sensors", count=10), "train", answers=None)
    assert (drawn.answers, drawn.targets.shape, drawn.classes) == ("numbers", (7, 256, 1), ())


def test_pixels_that_do_not_count_are_no_class():
    masks = np.tile(np.array([0, 2, 255, 255], np.uint8).reshape(1, 2, 2), (20, 1, 1))
    np.savez("masks.npz", inputs=np.zeros((20, 2, 2)), targets=masks)
    found = open_samples(DataPlan("masks.npz"), "train", answers=Answers.MASKS)
    assert (found.classes, found.targets[0].ravel().tolist()) == (("0", "1", "2"), [0, 2, 255, 255])


def test_named_classes_are_no_numbers():
    np.savez("own.npz", inputs=np.zeros((9, 4, 4)), targets=np.arange(9) % 2, classes=["a", "b"])
    with pytest.raises(UnsupportedError, match="its answers are classes, the task learns numbers"):
        open_samples(DataPlan("own.npz"), "train", answers=Answers.NUMBERS)
