"""A data set module as the vendor's trainer takes it."""

from pathlib import Path

import numpy as np
import pytest

from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.source import Answers
from max78000.errors import InputError

MODULE = '''
import os
import numpy as np
import torch
from torch.utils.data import Dataset

import ai8x


class Levels(Dataset):
    """Pictures of one level each, which a file holds."""

    def __init__(self, root, train, transform, target):
        self.levels = np.load(os.path.join(root, "levels.npy"))[:20 if train else 5]
        self.transform, self.target = transform, target

    def __len__(self):
        return len(self.levels)

    def __getitem__(self, index):
        level = torch.full((3, 4, 4), float(self.levels[index])) / 255
        return self.transform(level), self.target(index)


def loader(target, plain=False):
    def load(data, load_train=True, load_test=True):
        (data_dir, args) = data
        transform = (lambda x: 255 * x) if plain else ai8x.normalize(args=args)
        train = Levels(data_dir, True, transform, target) if load_train else None
        test = Levels(data_dir, False, transform, target) if load_test else None
        if args.truncate_testset:
            test.levels = test.levels[:1]
        return train, test
    return load


def boxes(index):
    count = index % 3
    return torch.full((count, 4), 0.5), torch.full((count,), 1 + index % 2)


datasets = [
    {'name': 'Levels', 'input': (3, 4, 4), 'output': ('dark', 'light'),
     'loader': loader(lambda index: index % 2)},
    {'name': 'Levels-Number', 'input': (3, 4, 4), 'output': ('level',), 'regression': True,
     'loader': loader(lambda index: index)},
    {'name': 'Areas', 'input': (3, 4, 4), 'output': (0, 1),
     'loader': loader(lambda index: torch.ones(4, 4, dtype=torch.long))},
    {'name': 'Boxes', 'input': (3, 4, 4), 'output': ('face', 'hand'), 'loader': loader(boxes),
     'collate': None},
    {'name': 'Plain', 'input': (3, 4, 4), 'output': (0, 1),
     'loader': loader(lambda index: index % 2, plain=True)},
]
'''


@pytest.fixture(autouse=True)
def _module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    np.save("data/levels.npy", np.arange(20) * 10)
    Path("levels.py").write_text(MODULE)


def opened(name, answers=Answers.CLASSES, split="train", **options):
    return open_samples(DataPlan(f"levels.py:{name}", **options), split, answers=answers)


def test_samples_are_normalized_and_classes_have_names():
    train, test = opened("Levels"), opened("Levels", split="test")
    assert (len(train), len(test), train.classes) == (18, 5, ("dark", "light"))
    assert (train.form.low, train.form.high, train.form.layout) == (-1.0, 127 / 128, "CHW")
    wanted = np.round(np.arange(5) * 10 / 255 * 256 - 128)
    np.testing.assert_array_equal(test.inputs[:, 0, 0, 0], wanted)
    np.testing.assert_array_equal(test.targets, [0, 1, 0, 1, 0])


def test_the_folder_of_the_data_is_told():
    Path("data").rename("elsewhere")
    assert len(opened("Levels", folder="elsewhere")) == 18
    with pytest.raises(InputError, match=r"levels.py:\d+: load\(\) fails: .*data/levels.npy"):
        opened("Levels")


def test_numbers_masks_and_boxes():
    numbers = opened("Levels-Number", Answers.NUMBERS, "test")
    assert (numbers.targets.ravel().tolist(), numbers.classes) == ([0, 1, 2, 3, 4], ())
    masks = opened("Areas", Answers.MASKS, "test")
    assert (masks.targets.shape, masks.classes) == ((5, 4, 4), ("0", "1"))
    boxes = opened("Boxes", Answers.BOXES, "test")
    assert boxes.classes == ("face", "hand")
    assert boxes.targets[:3, :, 4].tolist() == [[-1, -1], [1, -1], [0, 0]]
    assert boxes.targets[1, 0, :4].tolist() == [0.5] * 4


def test_a_file_with_one_data_set_needs_no_name():
    one = MODULE.replace("datasets = [", "datasets = [").partition("    {'name': 'Levels-")
    Path("levels.py").write_text(f"{one[0]}]\n")
    assert len(open_samples(DataPlan("levels.py"), "train")) == 18


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("levels.py:Level", "has no data set 'Level' .name one: levels.py:Levels"),
        ("levels.py", "has 5 data sets .name one: levels.py:Levels"),
        ("levels.py:Plain", "samples go from 0 to 190, not -1 to 1 .let its transforms end with"),
        ("gone.py", "there is no such file"),
    ],
)
def test_refusals(source, message):
    with pytest.raises(InputError, match=message):
        open_samples(DataPlan(source), "train")


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("import ai8x_nas", "pip install ai8x_nas"),
        ("from nowhere_to_be.found import x", "pip install nowhere_to_be"),
    ],
)
def test_missing_modules_say_what_helps(line, fix):
    Path("levels.py").write_text(line)
    with pytest.raises(InputError, match=f"levels.py:1: cannot be run: .*{fix}"):
        open_samples(DataPlan("levels.py:Levels"), "train")


def test_a_list_that_is_not_the_vendor_s():
    Path("levels.py").write_text("datasets = [{'name': 'a'}]")
    with pytest.raises(InputError, match="`datasets` is not as the vendor's: KeyError 'loader'"):
        open_samples(DataPlan("levels.py:a"), "train")
