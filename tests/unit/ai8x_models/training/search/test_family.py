"""What families draw are model files: they run, and describe themselves to the compiler."""

import re
from pathlib import Path

import pytest

from ai8x_models.describe.describe import check_model
from ai8x_models.describe.subject import find_subject
from ai8x_models.training.search.family import FAMILIES, find_family, write_model
from max78000.errors import InputError, UnsupportedError

optuna = pytest.importorskip("optuna", reason="of the extra `train`")

PICTURES = {
    "fold": 2,
    "width": 24,
    "growth": 1.5,
    "depth": 4,
    "layers_per_size": 1,
    "second_kernel": 1,
    "pool": "avg",
}
MINE = """\
from torch import nn
from ai8x_models.layers.layers import Conv2d, Linear

class Net(nn.Module):
    def __init__(self, width=8, kinds=("a",), shape=(1, 8, 8), n=2):
        super().__init__()
        self.conv = Conv2d(shape[0], width)
        self.classify = Linear(width * shape[1] * shape[2], n, wide=True)

    def forward(self, x):
        return self.classify(self.conv(x).flatten(1))

    @staticmethod
    def draw(trial, shape, n_classes):
        return {"width": trial.suggest_int("width", 2, 4), "shape": shape, "n": n_classes}

class Lost(Net):
    draw = None

class Wild(Net):
    @staticmethod
    def draw(trial, shape, n_classes):
        return {"width": object()}

class Broken(Net):
    @staticmethod
    def draw(trial, shape):
        return {}
"""


def fixed(**params):
    return optuna.trial.FixedTrial(params)


def test_a_network_reads_as_if_written_by_hand(tmp_path):
    text = FAMILIES["pictures"](fixed(**PICTURES), (1, 28, 28), 10)
    options = 'batchnorm="Affine", activation="ReLU"'
    assert re.findall(r"self\.conv\d = .*", text) == [
        f"self.conv1 = FoldedConv2d(1, 24, {options})  # 24x14x14",
        'self.conv2 = hidden(24, 36, 1, pool="avg")  # 36x7x7',
        'self.conv3 = hidden(36, 56, pool="avg")  # 56x3x3',
        "self.conv4 = hidden(56, 80, 1)  # 80x3x3",
    ]
    assert "self.classify = scores(720, 10)" in text


@pytest.mark.long
@pytest.mark.parametrize(
    ("family", "shape"),
    [("pictures", (1, 8, 8)), ("pictures", (3, 33, 20)), ("signals", (6, 128))],
)
def test_what_is_drawn_runs_on_the_data(family, shape, tmp_path):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(12):
        text = FAMILIES[family](study.ask(), shape, 5)
        assert max(map(len, text.splitlines())) <= 100
        word = write_model(tmp_path / "net.py", text)
        problems = check_model(find_subject(word, shape).model, shape)
        assert {problem.rule for problem in problems} <= {"F2", "F3"}  # too much to flatten


def test_families_say_which_data_they_are_for():
    with pytest.raises(UnsupportedError, match=r"6x128 are not pictures \(search among `signals`"):
        FAMILIES["pictures"](fixed(), (6, 128), 2)
    with pytest.raises(UnsupportedError, match="1x8x8 are not signals"):
        FAMILIES["signals"](fixed(), (1, 8, 8), 2)


def test_a_family_of_the_user_s_is_their_file_and_a_function(tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(MINE)
    text = find_family(f"{mine}:Net")(fixed(width=3), (1, 8, 8), 4)
    assert text.startswith(MINE)
    assert "return Net(width=3, shape=(1, 8, 8), n=4)" in text
    subject = find_subject(write_model(tmp_path / "found.py", text), (1, 8, 8))
    assert subject.model.conv.op.weight.shape == (3, 1, 3, 3)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("birds", "there is no family 'birds' .one of pictures, signals, or FILE.py:NAME"),
        ("nowhere.py:Net", "nowhere.py: there is no such file"),
        ("mine.py:Nobody", "mine.py: has no family 'Nobody'"),
        ("mine.py:Lost", "has no family 'Lost' .name a class of a model with a static method"),
    ],
)
def test_who_is_no_family(word, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    with pytest.raises(InputError, match=message):
        find_family(word)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Wild", "draw.. does not give the arguments of a model"),
        ("Broken", r"mine.py: draw\(\) fails: .*takes 2 positional .*let it take a trial, the"),
    ],
)
def test_draws_that_fail(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    family = find_family(f"mine.py:{name}")
    with pytest.raises(InputError, match=message):
        family(fixed(), (1, 8, 8), 2)
