"""Keypoints by a teacher: a network of the user's, asked about people who have a box alone."""

import io
import json
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from street import bare_street, street

from ai8x_models.tasks.pose.data.cache_coco import Picture, read_annotations, uncounted
from ai8x_models.tasks.pose.figures.figures import PRESETS, render
from ai8x_models.tasks.pose.metrics import Truth, oks
from ai8x_models.tasks.pose.photos import guard
from ai8x_models.tasks.pose.photos.album import Album
from ai8x_models.tasks.pose.photos.album_import import is_kept_out
from ai8x_models.tasks.pose.photos.guard import HeldOut
from ai8x_models.tasks.pose.photos.imported import TAUGHT_FILE, Import
from ai8x_models.tasks.pose.photos.taught import taught, what_is_new
from ai8x_models.tasks.pose.photos.teacher_file import load_teacher
from ai8x_models.tasks.pose.photos.view import FLIP_COCO
from ai8x_models.training.logs import Console
from max78000.errors import InputError

TRUST = 0.46
NOTHING = HeldOut((), np.zeros((0, guard.N_BITS), bool))
ROOT = Path(__file__).parents[6]
MODEL = os.environ.get("MEDIAPIPE_POSE", "")  # file of the landmark model

# A network of torch that finds the reddest place of each of 17 stripes of a crop: what `street`
# draws are red dots. Its trust is how red that place is.
NETWORK = """\
import torch
from torch import nn


class Reddest(nn.Module):
    def __init__(self, trust=1.0):
        super().__init__()
        self.red = nn.Conv2d(3, 1, 1, bias=False)
        self.red.weight.data = torch.tensor([1.0, -0.5, -0.5]).view(1, 3, 1, 1)
        self.trust = trust

    def forward(self, crop):
        x = torch.tensor(crop / 255.0, dtype=torch.float32).permute(2, 0, 1)[None]
        red = self.red(x)[0, 0]
        row, column = divmod(int(red.argmax()), red.shape[1])
        points = torch.zeros(17, 3)
        points[:, 0], points[:, 1], points[:, 2] = column, row, self.trust
        return points.detach().numpy()


def teacher(trust=1.0):
    return Reddest(trust).eval()


def doubting():
    def ask(crop):
        points = teacher()(crop)
        points[:3, 2] = 0.1
        return points
    return ask


def one_sided():
    def ask(crop):
        points = teacher()(crop)
        points[:, 0] = 0  # whatever it is shown
        return points
    return ask


def short():
    return lambda crop: [[0, 0, 1]]


def broken():
    def ask(crop):
        raise ValueError("no such layer")
    return ask


def number():
    return 3
"""


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "teacher.py"
    path.write_text(NETWORK)
    return path


def test_people_with_a_box_alone_get_what_the_teacher_says(tmp_path, network):
    pictures, annotations = bare_street(tmp_path, 4)
    before = read_annotations(annotations)
    seen = []
    after = taught(
        before, pictures, load_teacher(f"{network}:teacher", TRUST), lambda *n: seen.append(n)
    )
    people = what_is_new(before, after)
    assert [one["image_id"] for one in people] == [0, 1, 2, 3]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for person in people:
        points = np.array(person["keypoints"]).reshape(17, 3)
        dots = np.array(person["labelled"]).reshape(17, 3)[:, :2]
        near = np.hypot(*(dots - points[0, :2]).T).min()
        assert near < 4  # one of the red dots, and where the mirrored picture has it as well
        assert (points[:, 2] == 2).all()
        assert (person["pseudo"], person["num_keypoints"]) == (True, 17)
        assert person["confidence"] > 0.9
        assert len(person["kp_confidence"]) == 17


def test_labelled_people_and_crowds_stay_as_they_are(tmp_path, network):
    pictures, annotations = street(tmp_path, 2)
    listing = json.loads(annotations.read_text())
    crowd = listing["annotations"][1]
    crowd["iscrowd"], crowd["keypoints"] = 1, [0] * 51
    annotations.write_text(json.dumps(listing))
    before = read_annotations(annotations)
    after = taught(before, pictures, load_teacher(f"{network}:teacher", TRUST))
    assert what_is_new(before, after) == []


def test_who_is_not_trusted_stays_without_keypoints(tmp_path, network):
    pictures, annotations = bare_street(tmp_path, 1)
    before = read_annotations(annotations)
    for word, least, n_new in (
        ("teacher(trust=0.3)", 0.46, 0),
        ("teacher(trust=0.3)", 0.2, 1),
        ("one_sided", 0.46, 0),  # says of the mirrored crop what cannot be true of both
    ):
        after = taught(before, pictures, load_teacher(f"{network}:{word}", least))
        assert len(what_is_new(before, after)) == n_new, word


def test_points_that_are_not_trusted_are_not_learned(tmp_path, network):
    pictures, annotations = bare_street(tmp_path, 1)
    after = taught(
        read_annotations(annotations), pictures, load_teacher(f"{network}:doubting", TRUST)
    )
    (picture,) = after.pictures
    (person,) = picture.people
    points = np.array(person["keypoints"]).reshape(17, 3)
    assert points[:, 2].tolist() == [0, 0, 0] + [2] * 14
    x, y = points[0, :2]

    class Same:
        size, corner, factors = (200, 150), (0, 0), np.ones(2)

        def points(self, source):
            return np.asarray(source, float)

    mask = np.asarray(uncounted(picture, Same(), (200, 150)))
    rows, columns = np.mgrid[:150, :200]
    apart = np.hypot(columns - x, rows - y)
    reach = 0.15 * 98
    assert (mask[apart < reach - 1] == 255).all()
    assert (mask[apart > reach + 1] == 0).all()
    sure = Picture(0, "a.png", ({**person, "pseudo": False},))
    assert not np.asarray(uncounted(sure, Same(), (200, 150))).any()


@pytest.mark.long
def test_an_album_is_taught_and_its_validation_is_not(tmp_path, network):
    pictures, annotations = bare_street(tmp_path, 30)
    listing = json.loads(annotations.read_text())
    names = {entry["id"]: entry["file_name"] for entry in listing["images"]}
    for person in listing["annotations"]:
        if is_kept_out(names[person["image_id"]]):
            person["keypoints"] = person["labelled"]
    annotations.write_text(json.dumps(listing))
    said = io.StringIO()
    teacher = load_teacher(f"{network}:teacher", TRUST)
    made = Import(pictures, annotations, tmp_path / "data", NOTHING, teacher).album(Console(said))
    album = Album(made.path)
    n_taught = int((album.all_people.keypoints[..., 2] > 0).any(axis=1).sum())
    assert 0.8 * len(album) < n_taught <= len(album)
    stored = json.loads((tmp_path / "data" / TAUGHT_FILE).read_text())["annotations"]
    assert len(stored) == n_taught
    assert f"keypoints of {n_taught} people of {len(album)} who had none" in said.getvalue()
    labelled = made.crops[1].all_people.keypoints
    assert len({tuple(point) for point in labelled[0, :, :2].tolist()}) == 17  # by people


@pytest.mark.long
def test_pictures_that_nobody_labelled_cannot_score(tmp_path, network):
    pictures, annotations = bare_street(tmp_path, 30)
    teacher = load_teacher(f"{network}:teacher", TRUST)
    taught_import = Import(pictures, annotations, tmp_path / "data", NOTHING, teacher)
    with pytest.raises(InputError, match="what a teacher says does not score"):
        taught_import.album(Console(io.StringIO()))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short", r"gives an array \(1, 3\) for a crop"),
        ("teacher(trust=7.0)", "gives trust that is not from 0 to 1 for a crop"),
        ("broken", r"broken\(\) fails: no such layer"),
    ],
)
def test_teachers_that_fail_are_told(tmp_path, network, name, message):
    pictures, annotations = bare_street(tmp_path, 1)
    teacher = load_teacher(f"{network}:{name}", TRUST)
    with pytest.raises(InputError, match=message):
        taught(read_annotations(annotations), pictures, teacher)


def test_what_is_no_teacher_is_refused(network):
    with pytest.raises(InputError, match="names no teacher"):
        load_teacher("landmarks.tflite", TRUST)
    with pytest.raises(InputError, match="gives a int, not a function of a crop"):
        load_teacher(f"{network}:number", TRUST)
    with pytest.raises(InputError, match="did you mean teacher"):
        load_teacher(f"{network}:teachr", TRUST)


def test_people_without_a_box_are_refused(tmp_path, network):
    pictures, annotations = bare_street(tmp_path, 1)
    listing = json.loads(annotations.read_text())
    del listing["annotations"][0]["bbox"]
    annotations.write_text(json.dumps(listing))
    with pytest.raises(InputError, match="image 0: malformed person"):
        taught(read_annotations(annotations), pictures, load_teacher(f"{network}:teacher", TRUST))


def test_scores_are_not_for_a_teacher(ai8x, tmp_path, network):
    pictures, annotations = bare_street(tmp_path, 1)
    arguments = ("data", "--images", pictures, "--annotations", annotations)
    taught_by = ("--teacher", f"{network}:teacher")
    status, _, err = ai8x(*arguments, *taught_by, "--split", "validation")
    assert (status, "--teacher is for --split train" in err) == (2, True)
    status, _, err = ai8x("data", *taught_by)
    assert (status, "are for --images" in err) == (2, True)
    status, out, err = ai8x(*arguments, *taught_by, "--folder", tmp_path / "data")
    assert (status, out) == (0, f"{tmp_path / 'data'}/coco-train-1.h5: 1 images, 1 people\n"), err


@pytest.mark.skipif(
    not Path(MODEL).is_file() or find_spec("ai_edge_litert") is None,
    reason="needs ai-edge-litert, and MEDIAPIPE_POSE=FILE.tflite (npm pack @mediapipe/pose)",
)
def test_the_landmark_model_finds_drawn_people_and_knows_left_from_right():
    teacher = load_teacher(
        f"{ROOT}/examples/pose_teacher/mediapipe.py:Landmarks(model={MODEL!r})", TRUST
    )
    similar = []
    for seed in range(16):
        figure = render(PRESETS["single"], seed)
        truth = Truth(figure.keypoints, figure.bbox, figure.area, figure.iscrowd)
        points = teacher.points(figure.image, float(figure.area[0]))
        assert ((points[:, 2] >= 0) & (points[:, 2] <= 1)).all()
        similar.append(oks(np.stack((points, points[list(FLIP_COCO)])), truth)[:, 0])
    right, exchanged = np.mean(similar, axis=0)
    assert right > max(exchanged, 0.3)  # of figures that are drawn; photographs have 0.6
