"""Scores that `ai8x evaluate --json` printed: whose they are, and exact words for other files."""

import json
from pathlib import Path

import pytest

from max78000.errors import InputError
from synthesis.read.evaluation import read_evaluation

CHECKPOINT = Path("build/net-q.pth.tar")
SCORE = {
    "checkpoint": "build/net-q.pth.tar", "mode": "integer", "task": "classification",
    "name": "accuracy", "value": 0.97221, "interval": [0.95, 0.98], "split": "test",
    "n_examples": 1360,
}  # fmt: skip


def row(**changes):
    return {"n_examples": 1360, "confusion": [[680, 0], [38, 642]], "score": SCORE | changes}


def written(folder, *rows):
    """A file of rows, as `ai8x evaluate --json` prints it."""
    path = folder / "scores.json"
    names = (f"{one.get('score', {}).get('checkpoint', 'ceiling')}" for one in rows)
    path.write_text(json.dumps(dict(zip(names, rows, strict=True))))
    return path


def refusal(path):
    with pytest.raises(InputError) as error:
        read_evaluation(path, CHECKPOINT)
    assert error.value.exit_code == 2
    fix = f"(write it with `ai8x evaluate build/net-q.pth.tar --json > {path}`)"
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(fix)
    return text.removeprefix(f"{path}: ").removesuffix(f" {fix}")


def test_a_score_in_words(tmp_path):
    (score,) = read_evaluation(written(tmp_path, row()), CHECKPOINT)
    assert score.text == (
        "accuracy 0.9722 (0.9500 to 0.9800 with 95 % confidence) of 1,360 test examples,"
        " build/net-q.pth.tar (integer)"
    )


@pytest.mark.parametrize("interval", [None, [None, None]])
def test_a_score_without_an_interval(tmp_path, interval):
    (score,) = read_evaluation(written(tmp_path, row(interval=interval, value=1)), CHECKPOINT)
    assert score.text.startswith("accuracy 1.000 of 1,360 test examples")


def test_nothing_to_score(tmp_path):
    (score,) = read_evaluation(written(tmp_path, row(interval=None, value=None)), CHECKPOINT)
    assert score.text.startswith("accuracy - of 1,360 test examples")


def test_numbers_that_are_none_are_of_no_interest_elsewhere(tmp_path):
    path = written(tmp_path, row() | {"f1": float("nan")})
    assert "NaN" in path.read_text()
    assert len(read_evaluation(path, CHECKPOINT)) == 1


def test_the_network_that_is_compiled_is_found_among_others(tmp_path):
    other = row(checkpoint="runs/net.pth.tar", mode="qat")
    path = written(tmp_path, other, row(), {"ap": 1.0})  # the last one: what could be reached
    (own,) = read_evaluation(path, Path("build/../build/net-q.pth.tar"))
    assert own.checkpoint == "build/net-q.pth.tar"
    everyone = read_evaluation(path, Path("elsewhere-q.pth.tar"))
    assert [score.mode for score in everyone] == ["qat", "integer"]


def test_no_file(tmp_path):
    assert refusal(tmp_path / "scores.json").startswith("cannot be read: ")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "no evaluation: Expecting value: line 1 column 1 (char 0)"),
        ("build/net-q.pth.tar (integer): 7 of 8 right", "no evaluation: Expecting value"),
        ("[" * 100_000, "no evaluation: maximum recursion depth exceeded"),
        ("[1]", "no evaluation: an object of networks is expected"),
        ("{}", "no evaluation: no network in it has a `score`"),
        ('{"format": "max78000-report-1"}', "no evaluation: format: the scores of a network are"),
        ('{"net": {"accuracy": 0.9}}', "no evaluation: no network in it has a `score`"),
        ('{"net": {"score": 0.9}}', "no evaluation: net.score: 'n_examples' is missing"),
    ],
)
def test_other_files(tmp_path, content, why):
    path = tmp_path / "scores.json"
    path.write_text(content)
    assert refusal(path).startswith(why)


def test_no_text(tmp_path):
    path = tmp_path / "scores.json"
    path.write_bytes(b"\xff\xfe")
    assert refusal(path).startswith("cannot be read: ")


NAME = "no evaluation: build/net-q.pth.tar.score"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"value": "high"}, f"{NAME}.value: 'high' is of the wrong kind"),
        ({"value": True}, f"{NAME}.value: True is of the wrong kind"),
        ({"value": 10**400}, f"{NAME}.value: is no score"),
        ({"interval": [0.98, 0.95]}, f"{NAME}.interval: [0.98, 0.95] is no interval"),
        ({"interval": [0.98]}, f"{NAME}.interval: [0.98] is no interval"),
        ({"interval": [0.9, None]}, f"{NAME}.interval: [0.9, None] is no interval"),
        ({"interval": ["a", 1]}, f"{NAME}.interval.low: 'a' is of the wrong kind"),
        ({"n_examples": 0}, f"{NAME}: 0 examples"),
        ({"n_examples": 0.5}, f"{NAME}.n_examples: 0.5 is of the wrong kind"),
        ({"name": "\x1b[2J"}, f"{NAME}.name: '\\x1b[2J' cannot be shown"),
        ({"split": "\ud800"}, f"{NAME}.split: '\\ud800' cannot be shown"),
    ],
)
def test_damage(tmp_path, change, why):
    assert refusal(written(tmp_path, row(**change))) == why


@pytest.mark.parametrize("key", SCORE)
def test_every_key_is_needed(tmp_path, key):
    damaged = row()
    damaged["score"] = {name: value for name, value in SCORE.items() if name != key}
    path = tmp_path / "scores.json"
    path.write_text(json.dumps({"build/net-q.pth.tar": damaged}))
    assert refusal(path) == f"{NAME}: {key!r} is missing"
