"""A folder like a checkout of the vendor's trainer: a model module, MNIST's files, policies."""

import gzip
import struct
from pathlib import Path

import numpy as np

from ai8x_models.zoo.toy_data import draw_samples

N_TRAIN, N_TEST = 320, 80
MODEL = '''
"""A model as the vendor's modules have them."""

from torch import nn

import ai8x


class SmallNet(nn.Module):
    def __init__(
        self, num_classes=10, num_channels=3, dimensions=(28, 28), bias=False, **kwargs
    ):
        super().__init__()
        dim = dimensions[0]
        self.conv1 = ai8x.FusedMaxPoolConv2dBNReLU(
            num_channels, 16, 3, pool_size=2, pool_stride=2, padding=1, bias=bias, **kwargs
        )
        self.conv2 = ai8x.FusedMaxPoolConv2dBNReLU(
            16, 16, 3, pool_size=2, pool_stride=2, padding=1, bias=bias, **kwargs
        )
        dim //= 4
        self.fc = ai8x.Linear(16 * dim * dim, num_classes, bias=True, wide=True, **kwargs)

    def forward(self, x):
        x = self.conv1(x)
        x = self.conv2(x)
        x = x.view(x.size(0), -1)
        return self.fc(x)


def smallnet(pretrained=False, **kwargs):
    assert not pretrained
    return SmallNet(**kwargs)


models = [
    {
        'name': 'smallnet',
        'min_input': 1,
        'dim': 2,
    },
]
'''
DATASETS = '''
"""Data sets as the vendor's modules have them."""

import os

import numpy as np
import torch
from torch.utils.data import Dataset

import ai8x


class Drawn(Dataset):
    def __init__(self, root, name, transform, target):
        self.pictures = np.load(os.path.join(root, f"{name}-pictures.npy"))
        self.labels = np.load(os.path.join(root, f"{name}-labels.npy"))
        self.transform, self.target = transform, target

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        picture = torch.from_numpy(self.pictures[index, None]).float() / 255
        return self.transform(picture), self.target(int(self.labels[index]))


def loader(target):
    def load(data, load_train=True, load_test=True):
        (data_dir, args) = data
        transform = ai8x.normalize(args=args)
        names = ("train" if load_train else None, "t10k" if load_test else None)
        return tuple(name and Drawn(data_dir, name, transform, target) for name in names)
    return load


def box(label):
    return torch.tensor([[0.2, 0.2, 0.8, 0.8]]), torch.tensor([label + 1])


datasets = [
    {
        'name': 'Drawn',
        'input': (1, 28, 28),
        'output': list(map(str, range(10))),
        'loader': loader(lambda label: label),
        'weight': (1, 1, 1, 1, 1, 1, 1, 1, 1, 0.5),
    },
    {
        'name': 'Drawn_Numbers',
        'input': (1, 28, 28),
        'output': ('number',),
        'loader': loader(lambda label: label / 10),
        'regression': True,
    },
    {
        'name': 'Drawn_Masks',
        'input': (1, 28, 28),
        'output': ('ink', 'paper'),
        'loader': loader(lambda label: torch.zeros(28, 28, dtype=torch.long)),
    },
    {
        'name': 'Drawn_Boxes',
        'input': (1, 28, 28),
        'output': tuple(range(10)),
        'loader': loader(box),
    },
]
'''
SCHEDULE = """\
lr_schedulers:
  training_lr:
    class: MultiStepLR
    milestones: [2]
    gamma: 0.5

policies:
  - lr_scheduler:
      instance_name: training_lr
    starting_epoch: 0
    ending_epoch: 10
    frequency: 1
"""


def make_checkout():
    """Write all that into the current folder."""
    Path("models").mkdir()
    Path("models/small.py").write_text(MODEL)
    Path("policies").mkdir()
    Path("policies/qat_policy.yaml").write_text("start_epoch: 2\nweight_bits: 8\n")
    Path("policies/schedule.yaml").write_text(SCHEDULE)
    Path("datasets").mkdir()
    Path("datasets/drawn.py").write_text(DATASETS)
    folder = Path("data/MNIST/raw")
    folder.mkdir(parents=True)
    drawn = draw_samples("digits", N_TRAIN + N_TEST, 0)
    pictures = (drawn.inputs[:, 0].numpy() * 128 + 128).round().astype(np.uint8)
    labels = drawn.targets.numpy().astype(np.uint8)
    for name, part in (("train", slice(N_TRAIN)), ("t10k", slice(N_TRAIN, None))):
        _write(folder / f"{name}-images-idx3-ubyte.gz", pictures[part])
        _write(folder / f"{name}-labels-idx1-ubyte.gz", labels[part])
        np.save(f"data/{name}-pictures.npy", pictures[part])
        np.save(f"data/{name}-labels.npy", labels[part])


def _write(path, array):
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    with gzip.open(path, "wb") as file:
        file.write(head + array.tobytes())
