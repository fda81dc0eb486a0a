"""From the command line: the score from which people are shown, kept and overruled."""

import json
import shutil
from pathlib import Path

import pytest

from ai8x_models.checkpoint import load_checkpoint

pytestmark = pytest.mark.long  # a network on some pictures

SHIPPED = Path(__file__).parents[5] / "checkpoints/pose_tiny-q.pth.tar"


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A copy of a shipped network, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(SHIPPED, "mine.pth.tar"))


def test_the_score_from_which_people_are_shown_is_kept_and_can_be_overruled(ai8x, checkpoint):
    evaluate = ("evaluate", checkpoint, "--count", 8, "--json")
    _, out, _ = ai8x(*evaluate)
    own = json.loads(out)[f"{checkpoint} (integer)"]["shown_score"]
    assert own == load_checkpoint(checkpoint).extras["shown_score"]

    _, out, _ = ai8x(*evaluate, "--keep-score")
    best = json.loads(out)[f"{checkpoint} (integer)"]
    assert best["shown_score"] != own  # eight pictures have another best one
    assert best["shown_score"] == load_checkpoint(checkpoint).extras["shown_score"]

    def n_people(*options):
        arguments = ("predict", "networks/samples/people.png", "--checkpoint", checkpoint, "--json")
        _, out, _ = ai8x(*arguments, *options)
        (picture,) = json.loads(out)
        return len(picture["people"])

    people = [n_people(*option) for option in ((), ("--min-score", 0), ("--min-score", 40))]
    assert people[1] >= people[0] > people[2] == 0


def test_training_finds_it_and_quantization_keeps_it(ai8x, checkpoint):
    start = SHIPPED.with_name("pose_tiny.pth.tar")
    Path("short.yaml").write_text(
        f"name: short\nmodel: TinyStudentModel\nepochs: 1\nbatch_size: 2\nstart_from: {start}\n"
        "data: {preset: single, train_count: 2, validation_count: 4}\n"
        "optimizer: {peak_rate: 1e-6}\nqat: {start_epoch: 0}\n"
    )
    status, out, err = ai8x("train", "short.yaml")
    assert status == 0, err
    extras = load_checkpoint(Path(out.strip())).extras
    assert extras["task"] == "pose"
    assert extras["shown_score"] == extras["metrics"]["shown_score"] > 0
    status, _, err = ai8x("quantize", out.strip(), checkpoint, "--overwrite")
    assert status == 0, err
    assert load_checkpoint(checkpoint).extras["shown_score"] == extras["shown_score"]


def test_the_score_is_chosen_on_validation_pictures_of_named_checkpoints(ai8x, checkpoint):
    status, _, err = ai8x("evaluate", "--keep-score")
    assert (status, "--keep-score needs CHECKPOINTS" in err) == (2, True)
    status, _, err = ai8x("evaluate", checkpoint, "--keep-score", "--split", "test")
    assert (status, "--keep-score is for validation pictures" in err) == (2, True)


def test_shipped_checkpoints_stay_as_they_are(ai8x, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = SHIPPED.read_bytes()
    status, _, err = ai8x("evaluate", f"checkpoints/{SHIPPED.name}", "--keep-score", "--count", 2)
    assert (status, "is shipped, and stays as it is (copy it here first)" in err) == (2, True)
    assert SHIPPED.read_bytes() == before
