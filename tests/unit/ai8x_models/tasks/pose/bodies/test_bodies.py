"""People as meshes: postures, skinning, clothes, and labels by the z-buffer."""

import io
from dataclasses import replace

import numpy as np
import pytest
from box_people import box_library
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ai8x_models.tasks.pose.bodies import render as rendering
from ai8x_models.tasks.pose.bodies.clothes import Surface, draw_outfit
from ai8x_models.tasks.pose.bodies.people import Library, library_path, make_library, reduced
from ai8x_models.tasks.pose.bodies.pose_mesh import pose_person
from ai8x_models.tasks.pose.bodies.postures import Captured, captured_path
from ai8x_models.tasks.pose.bodies.render import Bodies, Stock, draw_scene
from ai8x_models.tasks.pose.bodies.segments import (
    INDEX,
    N_SEGMENTS,
    PARENTS,
    between,
    mirrored,
    part_of,
    posture_of,
)
from ai8x_models.tasks.pose.bodies.things import draw_thing
from ai8x_models.tasks.pose.data.people import NOBODY, People
from ai8x_models.tasks.pose.data.source import DataSource, open_data
from ai8x_models.tasks.pose.figures.body import draw_posture, turn_x, turn_y, turn_z
from ai8x_models.tasks.pose.figures.preset import FAMILIES
from ai8x_models.tasks.pose.figures.scene import OCCLUDER
from ai8x_models.tasks.pose.photos.album import Entry, write_album
from ai8x_models.tasks.pose.photos.paste import Cutouts
from ai8x_models.training.logs import Console
from max78000.apps.pose.skeleton import COCO_NAMES
from max78000.errors import InputError

UPRIGHT = np.tile(np.eye(3), (N_SEGMENTS, 1, 1))
POINT = {name: k for k, name in enumerate(COCO_NAMES)}


def drawn(seed, family="free"):
    return posture_of(draw_posture(np.random.default_rng(seed), FAMILIES[family]))


@given(st.integers(0, 10_000))
def test_turns_between_and_parts_of_turns(seed):
    a, b = np.random.default_rng(seed).standard_normal((2, 3))
    turn = between(a, b)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(turn @ a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-9)
    third = part_of(turn, 1 / 3)
    np.testing.assert_allclose(third @ third @ third, turn, atol=1e-5)


def test_the_opposite_direction_is_half_a_turn_away():
    turn = between(np.array((0.0, 1, 0)), np.array((0.0, -1, 0)))
    np.testing.assert_allclose(turn @ (0, 1, 0), (0, -1, 0), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_segments_come_after_what_they_hang_on():
    assert PARENTS[INDEX["pelvis"]] == -1
    assert all(parent < k for k, parent in enumerate(PARENTS))
    assert PARENTS[INDEX["right_hand"]] == INDEX["right_fore"]
    assert PARENTS[INDEX["left_upper"]] == INDEX["chest"]


def test_drawn_postures_are_rotations():
    for seed in range(5):
        posture = drawn(seed)
        np.testing.assert_allclose(posture @ posture.swapaxes(1, 2), UPRIGHT, atol=1e-9)
        np.testing.assert_allclose(np.linalg.det(posture), 1)
        np.testing.assert_allclose(mirrored(mirrored(posture)), posture, atol=1e-12)


def test_only_what_hangs_on_a_segment_moves_with_it():
    library = box_library()
    rest = pose_person(library, 0, UPRIGHT)
    np.testing.assert_allclose(rest.vertices, library.rest[0], atol=1e-6)
    posture = UPRIGHT.copy()
    posture[[INDEX["left_fore"], INDEX["left_hand"]]] = turn_x(-90)  # forearm forwards
    bent = pose_person(library, 0, posture)
    moved = np.abs(bent.keypoints - rest.keypoints).max(1) > 1e-6
    assert [COCO_NAMES[k] for k in np.flatnonzero(moved)] == ["left_wrist"]
    elbow, wrist = bent.keypoints[[POINT["left_elbow"], POINT["left_wrist"]]]
    np.testing.assert_allclose(wrist - elbow, (0, 0, -0.26), atol=1e-6)  # towards the camera
    own = library.weights[:, [INDEX["left_fore"], INDEX["left_hand"]]].sum(1) > 0
    assert (np.abs(bent.vertices - rest.vertices).max(1) > 1e-6)[own].mean() > 0.9
    np.testing.assert_allclose(bent.vertices[~own], rest.vertices[~own], atol=1e-6)


def test_a_mirrored_posture_is_a_mirrored_body():
    posture, library = drawn(3), box_library()
    body, other = pose_person(library, 0, posture), pose_person(library, 0, mirrored(posture))
    left, right = POINT["left_ankle"], POINT["right_ankle"]
    np.testing.assert_allclose(body.keypoints[left] * (-1, 1, 1), other.keypoints[right], atol=1e-6)


def test_limbs_that_are_spread_at_rest_hang_in_an_upright_body():
    """Arms of body models are spread; postures count from hanging ones."""
    library = box_library((1.0,))
    spread = UPRIGHT.copy()
    for name in ("left_upper", "left_fore", "left_hand"):
        spread[INDEX[name]] = turn_z(-50)
    posed = pose_person(library, 0, spread)
    joints = library.joints.copy()
    joints[0, INDEX["left_fore"]] = posed.keypoints[POINT["left_elbow"]]
    joints[0, INDEX["left_hand"]] = posed.keypoints[POINT["left_wrist"]]
    keypoints = library.keypoints.copy()
    for name, segment in (("left_elbow", "left_fore"), ("left_wrist", "left_hand")):
        keypoints[0, POINT[name], INDEX[segment], :3] = posed.keypoints[POINT[name]]
    model = replace(
        library, rest=posed.vertices[None].astype(np.float32), joints=joints, keypoints=keypoints
    )
    hanging, wanted = pose_person(model, 0, UPRIGHT), pose_person(library, 0, UPRIGHT)
    np.testing.assert_allclose(hanging.vertices, wanted.vertices, atol=1e-5)
    np.testing.assert_allclose(hanging.keypoints, wanted.keypoints, atol=1e-5)


def test_coarser_bodies_keep_their_keypoints():
    library = box_library()
    regressor = np.zeros((17, len(library.weights)))
    regressor[:, 0] = 0.5
    regressor[np.arange(17), np.arange(17) + 20] = 0.5
    small = reduced(library, regressor)
    posture = drawn(7)
    wanted = regressor @ pose_person(library, 1, posture).vertices
    np.testing.assert_allclose(pose_person(small, 1, posture).keypoints, wanted, atol=1e-5)
    np.testing.assert_allclose(small.weights.sum(1), 1, atol=1e-6)
    assert len(small.rest[0]) <= len(library.rest[0])
    assert small.faces.max() < len(small.rest[0])


def test_clothes_end_where_they_should():
    library = box_library((1.0,))
    surface, outfit = Surface.of(library, 0), draw_outfit(np.random.default_rng(1))
    outfit = replace(outfit, sleeve=0.5, leg=0.5, waist=0.9, gloves=None, hat=None, is_bald=True)

    def colour(segment):
        vertex = 8 * INDEX[segment] + np.arange(3)
        return outfit.colours(surface, vertex[None], np.full((1, 3), 1 / 3))[0]

    assert (colour("left_fore") == outfit.skin).all()
    assert (colour("left_shank") == outfit.skin).all()
    assert (colour("right_hand") == outfit.skin).all()
    assert (colour("right_foot") == outfit.shoes).all()
    assert (colour("neck") == outfit.skin).all()
    for dressed in ("left_upper", "right_thigh", "chest", "pelvis"):
        assert (colour(dressed) != outfit.skin).any()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("bodies")
    box_library().write(library_path(made))
    return made


def test_the_same_seed_gives_the_same_bytes(folder):
    first, again = Bodies.of(folder).render(5), Bodies.of(folder).render(5)
    for name in ("image", "keypoints", "bbox", "area", "loss_mask"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (Bodies.of(folder).render(6).image != first.image).any()


def scene_of(posture, yaw, monkeypatch):
    """One person in a posture, seen from the front, not hidden, at one size."""
    monkeypatch.setattr(rendering, "N_PEOPLE_SHARES", (0.0, 1.0))
    monkeypatch.setattr(rendering, "HEIGHTS", (0.7, 0.7001))
    monkeypatch.setattr(rendering, "CLOSE_UP_SHARE", 0.0)
    monkeypatch.setattr(rendering, "OCCLUDER_SHARE", 0.0)
    monkeypatch.setattr(rendering, "N_THINGS", 0.0)
    monkeypatch.setattr(rendering, "CAPTURED_SHARE", 1.0)
    monkeypatch.setattr(rendering, "FRONTAL_SHARE", 0.0)
    captured = (turn_y(yaw) @ posture).astype(np.float32)[None]

    class Chosen(type(np.random.default_rng())):
        def uniform(self, low=0.0, high=1.0, size=None):
            return 0.0 if (low, high) == (-180, 180) else super().uniform(low, high, size)

    rng = Chosen(np.random.PCG64(4))
    return draw_scene(Stock(box_library((1.0,)), captured), rng), rng


def visibility(posture, yaw, monkeypatch):
    scene, rng = scene_of(posture, yaw, monkeypatch)
    points = rendering._labels(rng, scene, 0)
    return {name: int(points[k, 2]) for name, k in POINT.items()}, scene


def test_points_are_where_the_person_is(monkeypatch):
    seen, scene = visibility(UPRIGHT, 0, monkeypatch)
    assert set(seen.values()) <= {0, 1, 2}
    assert all(seen[f"{side}_{one}"] == 2 for side in ("left", "right") for one in ("knee", "hip"))
    canvas, _ = scene.camera.seen(scene.people[0].posed.keypoints)
    assert canvas[POINT["left_hip"], 0] > canvas[POINT["right_hip"], 0]  # it faces the camera
    assert canvas[POINT["nose"], 1] < canvas[POINT["left_ankle"], 1]
    assert (np.asarray(scene.numbers) == 1).sum() > 3000


def test_faces_from_behind_are_not_labelled(monkeypatch):
    seen, scene = visibility(UPRIGHT, 180, monkeypatch)
    assert (seen["nose"], seen["left_eye"], seen["right_eye"]) == (0, 0, 0)
    assert (seen["left_shoulder"], seen["right_knee"]) == (2, 2)
    canvas, _ = scene.camera.seen(scene.people[0].posed.keypoints)
    assert canvas[POINT["left_hip"], 0] < canvas[POINT["right_hip"], 0]


def test_an_arm_behind_the_back_is_hidden(monkeypatch):
    posture = UPRIGHT.copy()
    posture[INDEX["left_upper"]] = turn_x(35)
    posture[[INDEX["left_fore"], INDEX["left_hand"]]] = turn_z(70) @ turn_x(20)
    seen, _ = visibility(posture, 0, monkeypatch)
    assert (seen["left_wrist"], seen["right_wrist"]) == (1, 2)


@pytest.mark.long
def test_people_hide_each_other_and_nobody_else_is_labelled(folder):
    drawing, n_hidden = Bodies.of(folder), 0
    for seed in range(12):
        figure = drawing.render(seed)
        assert figure.image.shape == (128, 128, 3)
        assert len(figure.keypoints) == len(figure.bbox) == len(figure.area)
        v = figure.keypoints[..., 2]
        assert set(np.unique(v)) <= {0, 1, 2}
        assert (figure.keypoints[v == 0] == 0).all()
        assert (figure.keypoints[..., :2] >= 0).all()
        assert (figure.keypoints[..., :2] <= 127).all()
        n_hidden += int((v == 1).sum())
    assert n_hidden


@pytest.mark.long
def test_captured_motion_makes_other_images(folder, tmp_path):
    def opened():
        return open_data(DataSource(tmp_path, "bodies", "train", 3), Console(io.StringIO()))

    box_library().write(library_path(tmp_path))
    first = opened()
    assert (first.preset, first.count) == ("bodies", 3)
    Captured(np.stack([drawn(k) for k in range(4)]).astype(np.float32)).write(
        captured_path(tmp_path)
    )
    assert (opened().images != first.images).any()


@pytest.mark.long
def test_people_stand_before_photographs(folder, tmp_path):
    """A green wall is all that was photographed."""
    wall, png, jpeg = Image.new("RGB", (100, 100), (20, 200, 30)), io.BytesIO(), io.BytesIO()
    wall.save(jpeg, "JPEG")
    Image.new("1", (100, 100), 1).save(png, "PNG")
    one = People(*(np.ones((1, *shape), np.float32) for shape in ((17, 3), (4,), ())), np.zeros(1))
    entries = [
        Entry(jpeg.getvalue(), png.getvalue(), wall.size, one, 1),
        Entry(jpeg.getvalue(), b"", wall.size, NOBODY, 2),
    ]
    write_album(tmp_path / "grounds.h5", entries)
    drawing = Bodies.of(folder, tmp_path / "grounds.h5")
    assert drawing.name == "bodies_photos"
    assert drawing.generator != Bodies.of(folder).generator
    stock = Stock(Library.read(library_path(folder)), None, Cutouts.open(tmp_path / "grounds.h5"))
    n_green = 0
    for seed in range(8):
        scene = draw_scene(stock, np.random.default_rng(seed))
        behind = np.asarray(scene.picture, int)[scene.numbers == 0]
        n_green += bool((np.abs(behind - (20, 200, 30)).max(1) < 12).mean() > 0.5)
    assert n_green >= 4


def test_things_hide_people_and_are_nobody(monkeypatch):
    monkeypatch.setattr(rendering, "N_THINGS", 20)
    scene = draw_scene(Stock(box_library(), None), np.random.default_rng(2))
    assert (scene.numbers == OCCLUDER).any()
    people = set(np.unique(scene.numbers)) - {0, OCCLUDER}
    assert people <= set(range(1, len(scene.people) + 1))


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_things_are_closed_and_stand_on_the_ground(seed):
    thing = draw_thing(np.random.default_rng(seed), np.array((1.0, 2.0, 5.0)))
    assert thing.vertices[:, 1].max() <= 2 + 1e-9
    a, b, c = (thing.vertices[thing.faces[:, k]] for k in range(3))
    normals = np.cross(c - a, b - a)
    middle = thing.vertices.mean(0)
    assert (np.einsum("fx,fx->f", normals, (a + b + c) / 3 - middle) > 0).all()
    np.testing.assert_allclose(normals.sum(0), 0, atol=1e-9)  # no hole


def test_clothes_stand_off_from_the_skin():
    library = box_library((1.0,))
    surface, outfit = Surface.of(library, 0), draw_outfit(np.random.default_rng(1))
    outfit = replace(outfit, sleeve=0.5, looseness=(0.02, 0.03), hair_volume=0.0)
    thickness = outfit.thickness(surface)
    chest, hand = 8 * INDEX["chest"], 8 * INDEX["left_hand"]
    assert thickness[chest] == 0.02
    assert thickness[hand] == 0
    skin, dressed = (pose_person(library, 0, UPRIGHT, one) for one in (None, thickness))
    moved = np.linalg.norm(dressed.vertices - skin.vertices, axis=1)
    np.testing.assert_allclose(moved, thickness, atol=1e-6)
    np.testing.assert_array_equal(dressed.keypoints, skin.keypoints)


def test_what_is_no_file_of_bodies_is_called_so(tmp_path):
    with pytest.raises(InputError, match="no such file of bodies"):
        Library.read(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match="not a file of bodies"):
        Library.read(tmp_path / "text.h5")
    replace(box_library(), joints=np.zeros((2, 3, 3), np.float32)).write(tmp_path / "odd.h5")
    with pytest.raises(InputError, match="do not fit each other"):
        Library.read(tmp_path / "odd.h5")
    whole = box_library()
    for changed in (
        {"faces": whole.faces[:, :2]},
        {"faces": whole.faces - 1},
        {"rest": np.full_like(whole.rest, np.nan)},
        {"rest": whole.rest[0, 0]},
    ):
        replace(whole, **changed).write(tmp_path / "odd.h5")
        with pytest.raises(InputError, match="do not fit each other"):
            Library.read(tmp_path / "odd.h5")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_people_of_the_body_model_stand_and_have_their_points():
    pytest.importorskip("anny", reason="pip install max78000-toolchain[bodies]")
    library = make_library(6)
    for person in range(6):
        body = pose_person(library, person, UPRIGHT)
        height = np.ptp(body.vertices[:, 1])
        assert 0.8 < height < 2.2
        points = body.keypoints
        order = ["nose", "left_shoulder", "left_elbow", "left_hip", "left_knee", "left_ankle"]
        heights = [float(points[POINT[name], 1]) for name in order]
        assert heights == sorted(heights)
        assert points[POINT["left_shoulder"], 0] > 0 > points[POINT["right_shoulder"], 0]
        assert points[POINT["nose"], 2] < points[POINT["left_ear"], 2]  # it looks at the camera
