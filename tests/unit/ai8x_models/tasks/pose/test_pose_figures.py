"""Rendered people: the same bytes every time, and labels that agree with what was painted."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from ai8x_models.tasks.pose.figures import figures
from ai8x_models.tasks.pose.figures.body import draw_body
from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, Figure, label, paint, render
from ai8x_models.tasks.pose.figures.scene import CANVAS, OCCLUDER
from max78000.apps.pose.skeleton import COCO_NAMES

pytestmark = pytest.mark.long  # seconds each

N_STATISTICS = 100
LEFT, RIGHT = (
    [COCO_NAMES.index(f"{side}_{joint}") for joint in ("shoulder", "hip")]
    for side in ("left", "right")
)


def digest(figure):
    """A hash of every byte of a figure."""
    fields = (getattr(figure, name) for name in Figure.__slots__)
    return hashlib.sha256(b"".join(field.tobytes() for field in fields)).hexdigest()


@pytest.fixture(scope="module")
def scenes():
    return [render(PRESETS["scene"], seed) for seed in range(N_STATISTICS)]


@pytest.mark.parametrize("name", PRESETS)
def test_a_seed_gives_the_same_bytes_twice_and_in_another_process(name):
    seed = SPLIT_BASE["validation"] + 7
    first = digest(render(PRESETS[name], seed))
    assert first == digest(render(PRESETS[name], seed))
    program = (
        "import hashlib\n"
        "from ai8x_models.tasks.pose.figures.figures import PRESETS, Figure, render\n"
        f"figure = render(PRESETS[{name!r}], {seed})\n"
        "data = b''.join(getattr(figure, name).tobytes() for name in Figure.__slots__)\n"
        "print(hashlib.sha256(data).hexdigest())\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == first


def test_different_seeds_and_splits_give_different_images():
    seeds = [0, 1, *(base for base in SPLIT_BASE.values() if base)]
    assert len({digest(render(PRESETS["single"], seed)) for seed in seeds}) == len(seeds)


def test_a_figure_has_the_promised_shapes(scenes):
    for figure in scenes:
        n = len(figure.area)
        assert figure.image.shape == (128, 128, 3)
        assert figure.image.dtype == figure.loss_mask.dtype == figure.iscrowd.dtype == np.uint8
        assert figure.keypoints.shape == (n, 17, 3)
        assert figure.bbox.shape == (n, 4)
        assert figure.loss_mask.shape == (16, 16)
        assert figure.keypoints.dtype == figure.bbox.dtype == figure.area.dtype == np.float32


def test_labelled_points_lie_inside_and_others_are_zero(scenes):
    for figure in scenes:
        visibility = figure.keypoints[..., 2]
        assert set(np.unique(visibility)) <= {0, 1, 2}
        labelled = figure.keypoints[visibility > 0][:, :2]
        assert (labelled >= 0).all()
        assert (labelled <= 127).all()
        assert not figure.keypoints[visibility == 0].any()
        assert ((visibility > 0).sum(1) >= figures.MIN_LABELLED).all()


@pytest.mark.parametrize("seed", range(12))
def test_boxes_areas_and_visibility_agree_with_the_painted_masks(seed):
    preset = PRESETS["scene"]
    figure = render(preset, seed)
    painting = paint(np.random.default_rng(seed), preset)
    masks = [painting.numbers == person + 1 for person in range(len(painting.bodies))]
    areas = [mask.sum() / 4 for mask in masks]
    for k, area in enumerate(figure.area):
        mask = masks[areas.index(area)]
        rows, columns = np.nonzero(mask)
        x, y, width, height = figure.bbox[k]
        assert ((columns - 0.5) / 2 > x).all()  # the pixels' centres lie inside the box
        assert ((columns - 0.5) / 2 < x + width).all()
        assert ((rows - 0.5) / 2 > y).all()
        assert ((rows - 0.5) / 2 < y + height).all()
        assert width * height >= area
        for px, py, _ in figure.keypoints[k][figure.keypoints[k, :, 2] == 2]:
            distance = np.hypot(columns - (2 * px + 0.5), rows - (2 * py + 0.5)).min()
            assert distance <= np.hypot(2.5, 2.5) + 0.01


def test_an_occluded_joint_is_labelled_but_hidden():
    painting = paint(np.random.default_rng(3), PRESETS["single"])
    before = label(np.random.default_rng(0), painting, 0)
    painting.numbers[:] = OCCLUDER
    after = label(np.random.default_rng(0), painting, 0)
    assert (after[:, 2] <= 1).all()
    np.testing.assert_array_equal(after[:, 2] > 0, before[:, 2] > 0)


def test_single_shows_exactly_one_whole_person():
    for seed in range(60):
        figure = render(PRESETS["single"], seed)
        assert len(figure.area) == 1
        assert (figure.keypoints[0, :, 2] > 0).sum() >= 12
        assert (figure.keypoints[0, 5:, 2] > 0).all()  # every joint below the head
        assert (figure.loss_mask == 255).all()


def test_somebody_who_faces_the_camera_has_their_left_on_the_right():
    facing = away = 0
    for seed in range(200):
        body = draw_body(np.random.default_rng(seed), PRESETS["scene"], 0.0)
        forward = -body.head_axes[2, 2]  # towards the camera if negative
        across = (body.joints[LEFT, 0] - body.joints[RIGHT, 0]).mean()
        if forward < -0.7 * np.linalg.norm(body.head_axes[:, 2]):
            facing += 1
            away += across < 0
    assert facing > 50
    assert away <= 0.08 * facing  # a turned head may look back over the shoulder


def test_limbs_keep_their_lengths_in_every_pose():
    for seed in range(30):
        body = draw_body(np.random.default_rng(seed), PRESETS["scene"], 10.0)
        build, joints = body.build, body.joints
        for left_start, length in ((5, build.upper_arm), (7, build.forearm)):
            for side in range(2):
                bone = joints[left_start + side] - joints[left_start + 2 + side]
                assert np.linalg.norm(bone) == pytest.approx(length)
        for left_start, length in ((11, build.thigh), (13, build.shank)):
            for side in range(2):
                bone = joints[left_start + side] - joints[left_start + 2 + side]
                assert np.linalg.norm(bone) == pytest.approx(length)


def test_people_left_out_of_the_labels_are_left_out_of_the_loss():
    ignored = np.zeros((CANVAS, CANVAS), bool)
    ignored[:16, :8] = True  # half of the first cell
    mask = figures.loss_mask_of(ignored)
    assert mask[0, 0] == 128
    assert mask.min() == 128
    assert (mask == 255).sum() == 255


def test_scene_statistics_are_those_of_the_specification(scenes):
    counts = np.bincount([len(figure.area) for figure in scenes], minlength=4) / N_STATISTICS
    np.testing.assert_allclose(counts, (0.03, 0.55, 0.30, 0.12), atol=0.12)
    visibility = np.concatenate([figure.keypoints[..., 2].ravel() for figure in scenes])
    shares = [(visibility == v).mean() for v in range(3)]
    np.testing.assert_allclose(shares, (0.08, 0.07, 0.85), atol=0.06)
    assert 1100 < np.median(np.concatenate([figure.area for figure in scenes])) < 1900
    assert 74 < np.median(np.concatenate([figure.bbox[:, 3] for figure in scenes])) < 94
