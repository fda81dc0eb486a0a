"""A user's own pictures: whole, in crops, as an album; and never those that are tested on."""

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageOps
from street import street

from ai8x_models.tasks.pose.photos import album_import, guard
from ai8x_models.tasks.pose.photos.album import Album
from ai8x_models.tasks.pose.photos.album_import import is_kept_out
from ai8x_models.tasks.pose.photos.guard import HeldOut
from ai8x_models.tasks.pose.photos.imported import Import
from ai8x_models.tasks.pose.recipe import DataPlan, PoseRecipe
from ai8x_models.tasks.pose.task import open_examples
from ai8x_models.training.logs import Console
from max78000.errors import InputError

NOTHING = HeldOut((), np.zeros((0, guard.N_BITS), bool))


def imported(pictures, annotations, folder, split="train", kind="coco"):
    console = Console(io.StringIO())
    return Import(pictures, annotations, folder, NOTHING).cache(kind, split, console)[1]


def coco_folder(tmp_path):
    """A wide picture with one labelled person, one without keypoints, and one crowd; a tall one."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    wide = np.zeros((100, 200, 3), np.uint8)
    wide[40:60, 80:120] = (250, 10, 10)
    Image.fromarray(wide).save(pictures / "wide.png")
    Image.fromarray(np.full((64, 32), 60, np.uint8)).save(pictures / "tall.png")
    keypoints = [0] * 51
    keypoints[:6] = [99.5, 49.5, 2, 80, 40, 1]
    counts = [100 * 180, 100 * 20]  # columns 180..199, column by column
    people = [
        {"keypoints": keypoints, "bbox": [80, 40, 40, 20], "area": 800, "iscrowd": 0},
        {"keypoints": [0] * 51, "bbox": [0, 0, 25, 25], "area": 625, "iscrowd": 0,
         "segmentation": [[0, 0, 25, 0, 25, 25, 0, 25]]},
        {"bbox": [180, 0, 20, 100], "area": 2000, "iscrowd": 1,
         "segmentation": {"size": [100, 200], "counts": counts}},
    ]  # fmt: skip
    annotations = [{"image_id": 7, "category_id": 1, **person} for person in people]
    annotations.append({"image_id": 7, "category_id": 18, "bbox": [0, 0, 9, 9]})  # not a person
    listing = {
        "images": [{"id": 7, "file_name": "wide.png"}, {"id": 9, "file_name": "tall.png"}],
        "annotations": annotations,
    }
    path = tmp_path / "person_keypoints.json"
    path.write_text(json.dumps(listing))
    return pictures, path


def test_a_coco_folder_goes_through_the_same_cache(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    cache = imported(pictures, annotations, tmp_path, "validation")
    assert (cache.preset, cache.split, cache.count) == ("coco", "validation", 2)
    assert cache.source_id.tolist() == [7, 9]

    assert (cache.images[0, :32] == 128).all()  # padding above the wide picture
    assert (cache.images[0, 64, 64] == (250, 10, 10)).all()
    assert (cache.images[1, :, :32] == 128).all()
    assert (cache.images[1, :, 32:96] == 60).all()

    people = cache.people(0)
    assert people.iscrowd.tolist() == [0, 0, 1]
    np.testing.assert_allclose(people.keypoints[0, 0], (63.5, 63.5, 2))
    np.testing.assert_allclose(people.bbox[0], (50.7, 57.1, 25.6, 12.8), atol=1e-4)
    np.testing.assert_allclose(people.area, np.array((800, 625, 2000)) * 0.64**2, rtol=1e-6)
    assert not people.keypoints[1:].any()
    assert len(cache.people(1).area) == 0


def test_to_source_leads_back_to_the_picture(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    cache = imported(pictures, annotations, tmp_path)
    points = cache.people(0).keypoints[0, :2, :2]
    source = points @ cache.to_source[0, :, :2].T + cache.to_source[0, :, 2]
    np.testing.assert_allclose(source, [(99.5, 49.5), (80, 40)], atol=1e-4)


def test_crowds_and_people_without_keypoints_do_not_count_in_the_loss(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    mask = imported(pictures, annotations, tmp_path).loss_mask
    assert mask[0, 4, 0] == 0  # the unlabelled person: source 0..25, image 0..16, rows from 32
    assert mask[0, 4:12, 15].max() == 0  # the crowd
    assert mask[0, 7:9, 5:11].min() == 255  # the labelled person
    assert (mask[1] == 255).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a COCO keypoint file"),
        ("[" * 100_000, "not a COCO keypoint file"),
        ('{"images": [{"id": 1e999, "file_name": "a"}], "annotations": []}', "not a COCO keypoint"),
        ("[]", "not a COCO keypoint file"),
        ('{"images": [], "annotations": []}', "lists no images"),
        ('{"images": [{"id": 1}], "annotations": []}', "not a COCO keypoint file.*file_name"),
    ],
)
def test_malformed_annotations_are_refused(tmp_path, text, message):
    path = tmp_path / "annotations.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        imported(tmp_path, path, tmp_path)
    assert not list(tmp_path.glob("*.h5"))


def test_malformed_people_and_pictures_are_refused(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    listing = json.loads(annotations.read_text())
    listing["annotations"][0]["keypoints"] = [1, 2, 3]
    annotations.write_text(json.dumps(listing))
    with pytest.raises(InputError, match=r"image 7: malformed person.*51 keypoint numbers"):
        imported(pictures, annotations, tmp_path)
    (pictures / "wide.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"wide.png: not a picture of a known format"):
        imported(pictures, annotations, tmp_path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        imported(pictures, tmp_path / "none.json", tmp_path)


def test_a_crop_shows_its_person_in_the_middle(tmp_path):
    pictures, annotations = street(tmp_path, 3)
    cache = imported(pictures, annotations, tmp_path, "test", "crops")
    assert (cache.preset, cache.split, cache.count) == ("crops", "test", 3)
    for index in range(3):
        (box,) = cache.people(index).bbox
        assert box[:2] + box[2:] / 2 == pytest.approx((64, 64), abs=0.01)
        assert box[3] == pytest.approx(96, abs=0.01)
        (points,) = cache.people(index).keypoints
        x, y = points[0, :2].round().astype(int)
        assert cache.images[index, y, x, 0] > 150  # the red dot of the first point


def test_estimated_people_are_no_crops(tmp_path):
    pictures, annotations = street(tmp_path, 2)
    listing = json.loads(annotations.read_text())
    listing["annotations"][0]["pseudo"] = True
    annotations.write_text(json.dumps(listing))
    assert imported(pictures, annotations, tmp_path, "test", "crops").source_id.tolist() == [1]


def test_without_anybody_worth_a_crop_there_is_no_file(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    with pytest.raises(InputError, match="nobody on its pictures has 8 labelled points"):
        imported(pictures, annotations, tmp_path, "test", "crops")
    assert not list(tmp_path.glob("*.h5"))


@pytest.mark.long
def test_an_album_and_its_validation_share_no_picture(tmp_path):
    pictures, annotations = street(tmp_path)
    console = Console(io.StringIO())
    made = Import(pictures, annotations, tmp_path, NOTHING).album(console)
    album, (_, crops) = Album(made.path), made.crops
    trained, validated = set(album.source_ids.tolist()), set(crops.source_id.tolist())
    assert trained
    assert validated
    assert not trained & validated
    assert trained | validated == set(range(24))
    assert not list(tmp_path.glob("*.parts"))
    index = int(album.source_ids[0])
    original = np.asarray(Image.open(pictures / f"{index:012}.png"), float)
    assert np.abs(np.asarray(album.picture(0), float) - original).mean() < 6  # JPEG
    assert album.mask(0) is None
    assert not made.cutouts  # nobody has an outline


@pytest.mark.long
def test_large_pictures_become_smaller_with_their_people(tmp_path):
    pictures, annotations = street(tmp_path, 24, (800, 600))
    console = Console(io.StringIO())
    album = Album(Import(pictures, annotations, tmp_path, NOTHING).album(console).path)
    assert album.sizes.tolist() == [[320, 240]] * len(album)
    wanted = json.loads(annotations.read_text())["annotations"][int(album.source_ids[0])]["bbox"]
    assert album.people(0).bbox[0, 2:] == pytest.approx(np.array(wanted[2:]) * 0.4)


@pytest.mark.long
def test_an_interrupted_import_keeps_its_finished_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(album_import, "_PER_PIECE", 5)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    made = []
    make = album_import._Piece.make
    monkeypatch.setattr(album_import._Piece, "make", lambda one: made.append(one) or make(one))
    pictures, annotations = street(tmp_path)
    trained = [one for one in sorted(pictures.iterdir()) if not is_kept_out(one.name)]
    broken = trained[12]  # in the third piece
    contents = broken.read_bytes()
    broken.write_bytes(contents[:100])
    source = Import(pictures, annotations, tmp_path, NOTHING)
    with pytest.raises(InputError, match=broken.name):
        source.album(Console(io.StringIO()))
    assert len(made) == 3
    assert not (tmp_path / "photos-train.h5").exists()
    broken.write_bytes(contents)
    album = Album(source.album(Console(io.StringIO())).path)
    assert len(album) == len(trained)
    assert len(made) == 3 + -(-len(trained) // 5) - 2
    assert not list(tmp_path.glob("*.parts"))


@pytest.mark.long
def test_pictures_to_test_on_are_left_out_of_training(tmp_path):
    pictures, annotations = street(tmp_path)
    secret = tmp_path / "secret"
    secret.mkdir()
    for index, name in ((3, "another_name.jpg"), (8, "mirrored.png")):
        picture = Image.open(pictures / f"{index:012}.png")
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if index == 8 else picture
        picture.save(secret / name)
    said = io.StringIO()
    source = Import(pictures, annotations, tmp_path, HeldOut.published(secret))
    album_made = source.album(Console(said))
    album, (_, crops) = Album(album_made.path), album_made.crops
    known = {*album.source_ids.tolist(), *crops.source_id.tolist()}
    assert known == set(range(24)) - {3, 8}
    assert "left out, because networks are tested on them" in said.getvalue()
    _, cache = source.cache("crops", "test", Console(io.StringIO()))
    assert {3, 8} <= set(cache.source_id.tolist())  # evaluated on, they may be


@pytest.mark.long
def test_a_recipe_remembers_what_must_not_be_trained_on(tmp_path):
    """The album was made before the folder was held out."""
    pictures, annotations = street(tmp_path)
    made = Import(pictures, annotations, tmp_path / "data", NOTHING).album(Console(io.StringIO()))
    index = int(Album(made.path).source_ids[4])
    secret, others = tmp_path / "secret", tmp_path / "others"
    for folder in (secret, others):
        folder.mkdir()
    ImageOps.mirror(Image.open(pictures / f"{index:012}.png")).save(secret / "mirrored.jpg")
    Image.radial_gradient("L").save(others / "circle.png")

    def opened(folder):
        plan = DataPlan("photos", 8, 8, tmp_path / "data", test_only=(folder,))
        recipe = PoseRecipe(name="guarded", model="TinyStudentModel", epochs=1, data=plan)
        return open_examples(recipe, "train", Console(io.StringIO()))

    assert len(opened(others)) == 8
    message = r"holds pictures that networks are tested on: mirrored \(1\).*--test-only"
    with pytest.raises(InputError, match=message):
        opened(secret)


def test_whole_pictures_are_known_again_and_crops_are_refused(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    rng = np.random.default_rng(3)
    wide = Image.fromarray(rng.integers(0, 255, (6, 9, 3), np.uint8)).resize((200, 100))
    wide.save(pictures / "wide.png")
    imported(pictures, annotations, tmp_path)
    secret = tmp_path / "secret"
    secret.mkdir()
    ImageOps.mirror(wide).save(secret / "mirrored.jpg")

    def opened(preset):
        plan = DataPlan(preset, 2, 2, tmp_path, test_only=(secret,))
        recipe = PoseRecipe(name="guarded", model="TinyStudentModel", epochs=1, data=plan)
        return open_examples(recipe, "train", Console(io.StringIO()))

    with pytest.raises(InputError, match=r"tested on: mirrored \(1\)"):
        opened("coco")
    with pytest.raises(InputError, match="crops of people cannot be told"):
        opened("crops")


def test_nothing_but_pictures_to_test_on_is_refused(tmp_path):
    pictures, annotations = street(tmp_path, 2)
    source = Import(pictures, annotations, tmp_path, HeldOut.published(pictures))
    with pytest.raises(InputError, match="lists only pictures that networks are tested on"):
        source.cache("coco", "train", Console(io.StringIO()))


def test_published_test_pictures_are_known_by_name():
    held_out = HeldOut.published()
    assert len(held_out.names) == 30
    grey = Image.new("RGB", (64, 64))
    assert held_out.found(f"{held_out.names[0]}.jpg", grey) == held_out.names[0]


def test_what_is_no_album_is_called_so(tmp_path):
    with pytest.raises(InputError, match="no such pose album"):
        Album(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match="not a pose album, or one of an earlier version"):
        Album(tmp_path / "text.h5")
