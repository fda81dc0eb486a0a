"""People cut out of photographs, and pictures pasted together from them."""

import io
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from street import street

from ai8x_models.tasks.pose.data.cache_coco import read_annotations
from ai8x_models.tasks.pose.data.source import DataSource, open_data
from ai8x_models.tasks.pose.figures.figures import shows_near
from ai8x_models.tasks.pose.photos import paste as pasting
from ai8x_models.tasks.pose.photos.album import Album, Entry, album_path, write_album
from ai8x_models.tasks.pose.photos.cutouts import COARSE, cut, cutouts_path, free_stretch
from ai8x_models.tasks.pose.photos.examples import open_photos
from ai8x_models.tasks.pose.photos.guard import N_BITS, HeldOut
from ai8x_models.tasks.pose.photos.guarded import check_plan
from ai8x_models.tasks.pose.photos.imported import Import
from ai8x_models.tasks.pose.photos.paste import Cutouts, Pasted, paste
from ai8x_models.tasks.pose.recipe import DataPlan, ViewPlan
from ai8x_models.training.logs import Console
from max78000.apps.pose.skeleton import COCO_NAMES
from max78000.errors import InputError

NOTHING = HeldOut((), np.zeros((0, N_BITS), bool))
LEFT, RIGHT = COCO_NAMES.index("left_wrist"), COCO_NAMES.index("right_wrist")


def outlined_street(folder, n=24, change=lambda index, person: None, **of_pictures):
    """The street, its people outlined by their boxes."""
    pictures, path = street(folder, n)
    listing = json.loads(path.read_text())
    for entry in listing["images"]:
        entry.update(of_pictures)
    for index, person in enumerate(listing["annotations"]):
        x, y, width, height = person["bbox"]
        corners = [x, y, x + width, y, x + width, y + height, x, y + height]
        person["segmentation"] = [corners, [1.0, 2.0]]  # the second is no polygon: files have such
        change(index, person)
    path.write_text(json.dumps(listing))
    return pictures, path


def entries_of(pictures, annotations):
    """Cut-outs and grounds of every picture."""
    made = []
    for picture in read_annotations(annotations).pictures:
        made += cut(Image.open(pictures / picture.file_name).convert("RGB"), picture)
    people = [one for one in made if len(one.people.area)]
    return people, [one for one in made if not len(one.people.area)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder of data with an album and cut-outs."""
    folder = tmp_path_factory.mktemp("pasted")
    source = Import(*outlined_street(folder), folder / "data", NOTHING)
    assert len(source.album(Console(io.StringIO())).cutouts) == 2
    return folder / "data"


@pytest.fixture(scope="module")
def cutouts(made):
    return Cutouts.open(cutouts_path(made, "train"))


def test_a_cut_out_is_a_person_with_their_outline(tmp_path):
    people, grounds = entries_of(*outlined_street(tmp_path, 4))
    assert len(people) == 4
    assert grounds
    for one in people:
        picture = np.asarray(Image.open(io.BytesIO(one.jpeg)), int)
        mask = np.asarray(Image.open(io.BytesIO(one.mask)).convert("L")) > 0
        assert mask.shape == picture.shape[:2] == one.size[::-1]
        assert mask.sum() == one.people.area[0]
        assert 50 * 98 <= mask.sum() <= 51 * 99
        x, y = one.people.keypoints[0, :, :2].round().astype(int).T
        assert mask[y, x].mean() > 0.8
        assert (picture[y, x, 0] - picture[y, x, 1] > 60).mean() > 0.8  # the red dots


def test_an_outline_may_be_a_file(tmp_path):
    mask = Image.new("1", (200, 150))
    ImageDraw.Draw(mask).rectangle((20, 5, 139, 140), fill=1)
    mask.save(tmp_path / "mask.png")

    def change(index, person):
        del person["segmentation"]
        person["mask_file"] = "mask.png"

    people, _ = entries_of(*outlined_street(tmp_path, 2, change))
    assert [one.people.area[0] for one in people] == [120 * 136] * 2


def test_people_whom_a_side_of_the_picture_cuts_off_stay_where_they_are(tmp_path):
    def change(index, person):
        if index == 1:
            person["segmentation"] = [[0, 5, 150, 5, 150, 140, 0, 140]]
        if index == 2:  # none of the points on it
            person["segmentation"] = [[190, 5, 195, 5, 195, 140, 190, 140]]

    people, _ = entries_of(*outlined_street(tmp_path, 4, change))
    assert [one.source_id for one in people] == [0, 3]


def test_malformed_outlines_are_refused(tmp_path):
    def change(index, person):
        person["segmentation"] = [[["a"] * 8] * 8]

    pictures, annotations = outlined_street(tmp_path, 1, change)
    with pytest.raises(InputError, match="image 0: malformed segmentation"):
        entries_of(pictures, annotations)


def test_grounds_with_strangers_on_them_keep_no_detail(tmp_path):
    _, grounds = entries_of(*outlined_street(tmp_path, 6, all_people_boxed=False))
    assert grounds
    assert all(max(one.size) <= COARSE for one in grounds)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(*[st.floats(-20, 120)] * 2, *[st.floats(1, 80)] * 2), max_size=6),
    st.integers(30, 200),
)
def test_a_free_stretch_meets_nobody(boxes, width):
    left, upper, right, lower = free_stretch((width, 100), boxes)
    assert 0 <= left <= right <= width
    assert 0 <= upper <= lower <= 100
    if left == right or upper == lower:
        return
    for x, y, box_width, box_height in boxes:
        assert x >= right or x + box_width <= left or y >= lower or y + box_height <= upper
    if not boxes:
        assert (left, upper, right, lower) == (0, 0, width, 100)


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes(made, cutouts):
    drawn = Pasted.of(cutouts_path(made, "train"))
    first, again = drawn.render(5), drawn.render(5)
    for name in ("image", "keypoints", "bbox", "area", "loss_mask"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (drawn.render(6).image != first.image).any()


def collages(cutouts, n=12):
    return [paste(cutouts, np.random.default_rng(seed)) for seed in range(n)]


@pytest.mark.long
def test_what_is_in_front_hides_points(cutouts):
    n_seen = n_hidden = 0
    for one in collages(cutouts):
        for k, points in enumerate(one.keypoints):
            for x, y, v in points[points[:, 2] > 0]:
                seen = shows_near(one.numbers, k + 1, np.array((2 * x + 0.5, 2 * y + 0.5)))
                assert seen == (v == 2)
                n_seen, n_hidden = n_seen + seen, n_hidden + (not seen)
    assert n_seen > n_hidden > 0


@pytest.mark.long
def test_points_move_with_the_picture(cutouts):
    """Where visible points are said to be, the picture is as red as the street's points."""
    at_points, elsewhere = [], []
    for one in collages(cutouts):
        picture = np.asarray(one.picture, int)
        red = picture[..., 0] - picture[..., 1:].max(-1)
        for k, points in enumerate(one.keypoints):
            visible = points[points[:, 2] == 2, :2]
            columns, rows = (2 * visible + 0.5).round().astype(int).clip(0, 255).T
            at_points += red[rows, columns].tolist()
            elsewhere += red[one.numbers == k + 1].tolist()
    assert np.mean(at_points) > np.mean(elsewhere) + 30


@pytest.mark.long
def test_people_of_whom_little_shows_are_neither_labelled_nor_learned_from(cutouts):
    n_left_out = 0
    for one in collages(cutouts, 40):
        figure = one.figure(np.zeros((128, 128, 3), np.uint8))
        shown = [int(k) for k in np.unique(one.numbers) if 0 < k < pasting.OCCLUDER]
        unlabelled = [k for k in shown if np.count_nonzero(one.keypoints[k - 1][:, 2]) < 4]
        n_left_out += len(unlabelled)
        cells = np.isin(one.numbers, unlabelled).reshape(16, 16, 16, 16).any((1, 3))
        assert (figure.loss_mask[cells] < 255).all()
        assert (figure.loss_mask[~cells] == 255).all()
        assert len(figure.area) <= len(one.keypoints) - len(unlabelled)
    assert n_left_out


@pytest.mark.long
def test_mirrored_people_change_sides(tmp_path):
    """A person with a dark left wrist, which is a dark right one in a mirror."""
    points = np.zeros((1, 17, 3), np.float32)
    points[0, :, :2] = np.random.default_rng(1).uniform((40, 10), (70, 190), (17, 2))
    points[0, :, 2] = 2
    points[0, LEFT, :2], points[0, RIGHT, :2] = (15, 100), (95, 100)
    picture = Image.new("RGB", (110, 200), (200, 200, 200))
    ImageDraw.Draw(picture).rectangle((5, 80, 25, 120), fill=(0, 0, 0))
    mask = Image.new("1", (110, 200), 1)
    ImageDraw.Draw(mask).rectangle((0, 190, 110, 200), fill=0)
    jpeg, png = io.BytesIO(), io.BytesIO()
    picture.save(jpeg, "JPEG")
    mask.save(png, "PNG")
    box, area = np.array([[0, 0, 110, 190]], np.float32), np.array([20900], np.float32)
    people = pasting.People(points, box, area, np.zeros(1, np.uint8))
    entry = Entry(jpeg.getvalue(), png.getvalue(), (110, 200), people, 3)
    write_album(tmp_path / "one.h5", [entry])
    is_left_dark = set()
    for one in collages(Cutouts.open(tmp_path / "one.h5"), 24):
        if len(one.keypoints) != 1 or (one.numbers == pasting.OCCLUDER).any():
            continue
        (points,) = one.keypoints
        if (points[[LEFT, RIGHT], 2] == 2).all():
            columns, rows = (2 * points[[LEFT, RIGHT], :2] + 0.5).round().astype(int).T
            left, right = np.asarray(one.picture.convert("L"), int)[rows, columns]
            assert points[LEFT, 0] < points[RIGHT, 0]
            assert abs(left - right) > 50
            is_left_dark.add(bool(left < right))
    assert is_left_dark == {True, False}


@pytest.mark.parametrize("preset", ["pasted", "bodies_photos"])
def test_nobody_is_cut_out_for_tests(tmp_path, preset):
    with pytest.raises(InputError, match=r"split test.*\n?.*choose the split validation"):
        open_data(DataSource(tmp_path, preset, "test", 3), Console(io.StringIO()))


@pytest.mark.long
def test_the_cache_is_made_again_of_other_cut_outs(made, tmp_path):
    def opened():
        return open_data(DataSource(tmp_path, "pasted", "train", 3), Console(io.StringIO()))

    with pytest.raises(InputError, match="nobody has been cut out"):
        opened()
    path = cutouts_path(tmp_path, "train")
    path.write_bytes(cutouts_path(made, "train").read_bytes())
    first = opened()
    assert (first.preset, first.count) == ("pasted", 3)
    path.unlink()  # as an import replaces it: HDF5 has the old one open
    path.write_bytes(cutouts_path(made, "validation").read_bytes())
    assert (opened().images != first.images).any()


@pytest.mark.long
def test_views_are_pasted_if_the_recipe_says_so(made):
    def batches():
        examples = open_photos(made, ViewPlan(pasted_share=1.0), 8)
        return list(examples.shuffled(4, 1, 0, None))

    first, again = batches(), batches()
    assert len(first) == 2
    for one, other in zip(first, again, strict=True):
        assert one.inputs.shape == (4, 3, 128, 128)
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.mask, other.mask)
    assert open_photos(made, ViewPlan(), 8).cutouts is None
    assert len(Album(cutouts_path(made, "train"))) > 0


def test_cut_outs_of_other_pictures_are_refused_where_some_are_for_tests(made, tmp_path):
    for path in (album_path(made), cutouts_path(made, "train")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    others = tmp_path / "others"
    others.mkdir()
    Image.radial_gradient("L").save(others / "circle.png")
    plan = DataPlan("pasted", 3, 3, tmp_path, test_only=(others,))
    check_plan(plan, ViewPlan())
    stale = cutouts_path(tmp_path, "train")
    stale.unlink()
    stale.write_bytes(cutouts_path(made, "train").read_bytes())
    album = Album(album_path(made))
    write_album(album_path(tmp_path), [album.entry(0)])
    with pytest.raises(InputError, match="was not cut out of the pictures of"):
        check_plan(plan, ViewPlan())


@pytest.mark.long
def test_an_import_of_which_nothing_is_cut_out_is_a_good_one(tmp_path):
    def change(index, person):
        person["segmentation"] = [[0, 0, 200, 0, 200, 150, 0, 150]]
        person["bbox"] = [0, 0, 200, 150]

    source = Import(*outlined_street(tmp_path, change=change), tmp_path / "data", NOTHING)
    (tmp_path / "data").mkdir()
    cutouts_path(tmp_path / "data", "train").write_text("of an earlier import")
    said = io.StringIO()
    assert not source.album(Console(said)).cutouts
    assert "nobody is whole enough to be cut out" in said.getvalue()
    assert not cutouts_path(tmp_path / "data", "train").exists()
    assert not list((tmp_path / "data").glob("*.parts"))


def test_grounds_alone_are_cut_outs_but_nobody_to_paste(made, tmp_path):
    album = Cutouts.open(cutouts_path(made, "train"))
    index = int(np.concatenate((album.sharp, album.coarse))[0])
    write_album(tmp_path / "grounds.h5", [album.album.entry(index)])
    assert Cutouts.open(tmp_path / "grounds.h5").n_grounds == 1
    with pytest.raises(InputError, match="nobody is cut out"):
        Pasted.of(tmp_path / "grounds.h5").render(1)


@pytest.mark.long
def test_who_looks_larger_is_in_front(cutouts, monkeypatch):
    heights = []
    put = pasting._put

    def noted(rng, placed, canvas, numbers, number):
        heights.append((number, placed.scale * placed.outline.height))
        return put(rng, placed, canvas, numbers, number)

    monkeypatch.setattr(pasting, "_put", noted)
    for seed in range(12):
        heights.clear()
        paste(cutouts, np.random.default_rng(seed))
        assert [height for _, height in heights] == sorted(height for _, height in heights)
