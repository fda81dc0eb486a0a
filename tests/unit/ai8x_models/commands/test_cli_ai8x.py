"""The `ai8x` command: what it prints, what it writes, and how it refuses."""

import hashlib
import json
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.commands.main import cli
from ai8x_models.layers.space_to_depth import unfold_image
from ai8x_models.tasks.pose.figures.figures import PRESETS, render
from ai8x_models.zoo.registry import MODELS, create_model

pytestmark = pytest.mark.long  # a compiler, or a whole command, each

ROOT = Path(__file__).parents[4]
VERBS = {verb.name: verb for verbs in cli.tables.values() for verb in verbs}
RECIPE = """\
name: quick
model: TinyStudentModel
epochs: 1
batch_size: 2
data: {preset: single, train_count: 2, validation_count: 2}
"""


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "tiny.pth.tar"
    model = create_model("TinyStudentModel")
    save_checkpoint(path, Checkpoint("TinyStudentModel", 0, model.state_dict()))
    return path


def test_evaluate_looks_at_checkpoints_before_it_renders(ai8x):
    status, _, err = ai8x("evaluate", "nothere.pth.tar", "--count", "2")
    assert (status, "nothere.pth.tar: cannot be read" in err) == (2, True)
    assert not Path("data").exists()


def test_evaluate_loads_networks_before_it_renders(ai8x, checkpoint):
    save_checkpoint(Path("no.pth.tar"), Checkpoint("TinyStudentModel", 0, {}))
    status, _, err = ai8x("evaluate", checkpoint, "no.pth.tar", "--count", "2")
    assert (status, err.startswith("ai8x: no.pth.tar")) == (2, True), err
    assert not Path("data").exists()


def test_away_from_home_the_shipped_checkpoints_are_taken(ai8x):
    status, out, _ = ai8x("evaluate", "--count", "2", "--json")
    stored = [row["score"]["checkpoint"] for row in json.loads(out).values() if "score" in row]
    assert status == 0
    assert stored == [
        f"checkpoints/{name}.pth.tar" for name in ("pose_student", "pose_tiny", "pose_tiny-q")
    ]
    status, out, _ = ai8x("predict", "networks/samples/people.png")
    assert (status, "people.png: 2 people" in out) == (0, True)


def test_away_from_home_a_recipe_starts_from_shipped_checkpoints(ai8x):
    Path("short.yaml").write_text(f"{RECIPE}start_from: checkpoints/pose_tiny.pth.tar\n")
    assert ai8x("train", "short.yaml")[0] == 0


def test_a_shipped_checkpoint_that_is_named_is_told(ai8x):
    name = "checkpoints/pose_tiny.pth.tar"
    status, out, err = ai8x("evaluate", name, "--count", "2", "--json")
    assert (status, len(json.loads(out))) == (0, 2)
    assert err.count(f"note: {name} is the shipped one: {ROOT / name}\n") == 1


@pytest.mark.parametrize("verb", ["evaluate", "quantize"])
def test_a_name_that_no_file_can_have_is_refused(ai8x, verb):
    status, _, err = ai8x(verb, f"checkpoints/{'x' * 300}.pth.tar", "out.pth.tar")
    assert (status, "xxx.pth.tar: cannot be read: " in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("evaluate", "checkpoints/pose_tyni.pth.tar"),
            "checkpoints/pose_tyni.pth.tar: cannot be read: No such file or directory (name a "
            "checkpoint file; shipped in checkpoints: pose_native-q.pth.tar, pose_native.pth.tar, "
            "pose_student.pth.tar, pose_tiny-q.pth.tar, pose_tiny.pth.tar)",
        ),
        (
            ("train", "tiny_demo.yaml"),
            "tiny_demo.yaml: cannot be read: No such file or directory (name a recipe file; "
            "shipped in ai8x_models/recipes: compare_distilled.yaml, ",
        ),
    ],
)
def test_a_name_that_nothing_has_is_refused_with_those_that_there_are(ai8x, words, told):
    status, _, err = ai8x(*words)
    assert (status, err.startswith(f"ai8x: {told}")) == (2, True)


@pytest.mark.parametrize("name", ["", *VERBS])
def test_every_command_explains_itself_with_an_example(ai8x, name):
    status, out, _ = ai8x(*name.split(), "--help")
    assert status == 0
    assert f"ai8x {name}".rstrip() in out.split("Examples:")[1]


def test_groups_know_their_version(ai8x):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert ai8x("--version") == (0, f"ai8x, version {version}\n", "")
    assert ai8x("-h")[1] == ai8x("--help")[1]


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_verb_is_what_the_table_says(verb):
    command = verb.load()
    assert command.name == verb.name
    assert command.get_short_help_str(limit=100) == verb.summary
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_verbs_of_a_task_are_mounted(ai8x):
    assert {"data", "evaluate", "predict", "sample"} <= VERBS.keys()
    _, out, _ = ai8x("--help")
    assert "evaluate" in out.split("Pose:")[1]


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["train", "--help"]])
def test_what_needs_no_torch_does_not_wait_for_it(arguments):
    code = (
        "import sys; from ai8x_models.commands.main import cli;"
        f"cli({arguments}, standalone_mode=False); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_list(ai8x):
    _, out, _ = ai8x("list")
    assert [line.split()[0] for line in out.splitlines()] == ["network", *MODELS]
    assert "\x1b" not in out
    _, out, _ = ai8x("list", "--json")
    assert [row["name"] for row in json.loads(out)] == list(MODELS)


def test_data_is_rendered_once(ai8x):
    arguments = ("data", "--split", "validation", "--count", 2)
    status, out, err = ai8x(*arguments)
    assert (status, out) == (0, "data/single-validation-2.h5: 2 images, 2 people\n")
    assert "rendering data/single-validation-2.h5: 2 of 2" in err
    status, again, err = ai8x(*arguments)
    assert (status, again, err) == (0, out, "")


def test_pictures_with_annotations_are_imported_and_scored(ai8x, checkpoint):
    Path("pictures").mkdir()
    figure = render(PRESETS["single"], 7)
    Image.fromarray(figure.image).resize((256, 256)).save("pictures/a.png")
    points = figure.keypoints[0] * (2, 2, 1)
    annotation = {
        "image_id": 1,
        "category_id": 1,
        "keypoints": points.flatten().tolist(),
        "num_keypoints": int((points[:, 2] > 0).sum()),
        "bbox": (figure.bbox[0] * 2).tolist(),
        "area": float(figure.area[0] * 4),
        "iscrowd": 0,
        "id": 1,
    }
    picture = {"id": 1, "file_name": "a.png", "width": 256, "height": 256}
    people = {"images": [picture], "annotations": [annotation]}
    Path("people.json").write_text(json.dumps(people))
    arguments = ("--images", "pictures", "--annotations", "people.json", "--split", "validation")
    status, out, _ = ai8x("data", *arguments)
    assert (status, out) == (0, "data/coco-validation-1.h5: 1 images, 1 people\n")
    assert [path.name for path in Path("data").iterdir()] == ["coco-validation-1.h5"]
    status, out, _ = ai8x("evaluate", checkpoint, "--preset", "coco", "--count", 1, "--json")
    assert status == 0
    assert json.loads(out)["ceiling"]["ap50"] == pytest.approx(1)


def test_from_recipe_to_scores(ai8x):
    """The whole road: train, quantize, evaluate."""
    Path("quick.yaml").write_text(RECIPE + "qat: {start_epoch: 0}\n")
    status, out, err = ai8x("train", "--config", "quick.yaml")
    assert (status, out) == (0, "runs/quick/quick.pth.tar\n")
    assert "epoch 1 of 1: loss" in err
    trained = out.strip()

    status, out, _ = ai8x("quantize", trained, "new/q.pth.tar")
    assert status == 0
    assert out.splitlines()[1].startswith("conv1 ")
    weights = load_checkpoint(Path("new/q.pth.tar")).state_dict["conv1.op.weight"]
    assert weights.shape == (16, 12, 3, 3)

    status, out, err = ai8x("evaluate", trained, "new/q.pth.tar", "--count", 2, "--json")
    assert status == 0
    scores = json.loads(out)
    assert list(scores) == [f"{trained} (qat)", "new/q.pth.tar (integer)", "ceiling"]
    assert scores["ceiling"]["ap"] == pytest.approx(1)
    # What quantization-aware training computed, the integers compute.
    qat, integer = list(scores.values())[:2]
    assert integer["heat_mse"] == pytest.approx(qat["heat_mse"], rel=1e-3)
    score = integer["score"]
    said = [score[name] for name in ("task", "name", "mode", "n_examples", "value", "interval")]
    assert said == ["pose", "AP", "integer", 2, integer["ap"], integer["ap_interval"]]
    assert "score" not in scores["ceiling"]
    status, out, err = ai8x("evaluate", "new/q.pth.tar", "--count", 2)
    assert (status, err) == (0, "")
    assert out.splitlines()[0].split()[:3] == ["model", "images", "AP"]
    assert out.splitlines()[-1].startswith("ceiling ")


def test_predict_writes_drawings_and_keypoints(ai8x, checkpoint):
    Image.fromarray(render(PRESETS["single"], 5).image).save("person.png")
    status, out, _ = ai8x("predict", "person.png", "--checkpoint", checkpoint)
    assert status == 0
    assert out.startswith("person.png: ")
    with Image.open("poses/person-pose.png") as drawing:
        assert drawing.format == "PNG"
    assert json.loads(Path("poses/keypoints.json").read_text())["pictures"][0]["width"] == 128


def test_predict_goes_on_after_a_picture_that_is_none(ai8x, checkpoint):
    Image.new("RGB", (8, 8)).save("small.png")
    Path("not.png").write_text("no picture")
    arguments = ("--checkpoint", checkpoint, "--json")
    status, out, err = ai8x("predict", "not.png", "gone.png", "small.png", *arguments)
    assert status == 2
    assert [picture["file"] for picture in json.loads(out)] == ["small.png"]
    assert len(err.splitlines()) == 2
    assert "not.png" in err
    assert "gone.png" in err


def test_sample_is_the_folded_signed_picture(ai8x):
    status, out, _ = ai8x("sample", "mine", "--index", 3)
    assert (status, out) == (0, "networks/samples/mine.npy: int8 12x64x64\n")
    data = np.load("networks/samples/mine.npy")
    assert (data.dtype, data.shape) == (np.int8, (12, 64, 64))
    image = unfold_image(data).astype(np.int16).transpose(1, 2, 0) + 128
    np.testing.assert_array_equal(image, render(PRESETS["single"], 2_000_003).image)


# -- refusals -------------------------------------------------------------------------------------


def refused(result, status, *parts):
    """One message on standard error, no traceback, nothing on standard output."""
    assert result[:2] == (status, "")
    assert result[2].startswith("ai8x: ")
    assert "Traceback" not in result[2]
    for part in parts:
        assert part in result[2]


@pytest.mark.parametrize("command", ["train", "distill"])
def test_recipe_that_is_not_there(ai8x, command):
    refused(ai8x(command, "--config", "no.yaml"), 2, "no.yaml: cannot be read: No such file")


def test_recipe_that_is_not_yaml(ai8x):
    Path("bad.yaml").write_text("name: [\n")
    refused(ai8x("train", "--config", "bad.yaml"), 2, "bad.yaml:2: is not valid YAML")


def test_recipe_with_several_problems(ai8x):
    Path("bad.yaml").write_text(RECIPE + "speed: 3\nseed: x\n")
    result = ai8x("train", "--config", "bad.yaml")
    refused(result, 2, "bad.yaml:6 speed: is an unknown key", "bad.yaml:7 seed: must be a whole")
    assert not Path("runs").exists()


def test_recipe_for_an_unknown_network(ai8x):
    Path("bad.yaml").write_text(RECIPE.replace("Tiny", "Tony"))
    refused(ai8x("train", "--config", "bad.yaml"), 2, "'TonyStudentModel'", "TinyStudentModel?")


def test_distill_without_a_teacher(ai8x):
    Path("plain.yaml").write_text(RECIPE)
    refused(ai8x("distill", "--config", "plain.yaml"), 2, "names no teacher", "add `distill:`")


def test_run_that_exists(ai8x):
    Path("quick.yaml").write_text(RECIPE)
    Path("runs/quick").mkdir(parents=True)
    refused(ai8x("train", "--config", "quick.yaml"), 2, "runs/quick: holds an earlier run already")


def test_nothing_to_resume(ai8x):
    Path("quick.yaml").write_text(RECIPE)
    refused(ai8x("train", "--config", "quick.yaml", "--resume"), 2, "holds no interrupted run")


def test_output_that_exists(ai8x, checkpoint):
    Path("q.pth.tar").write_text("precious")
    refused(ai8x("quantize", checkpoint, "q.pth.tar"), 2, "q.pth.tar: exists already")
    assert Path("q.pth.tar").read_text() == "precious"
    assert ai8x("quantize", checkpoint, "q.pth.tar", "--overwrite")[0] == 0
    target = Path("networks/samples/s.npy")
    target.parent.mkdir(parents=True)
    target.write_text("precious")
    refused(ai8x("sample", "s"), 2, "s.npy: exists already")


@pytest.mark.parametrize("command", ["quantize", "evaluate", "predict"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "text", "malicious"])
def test_checkpoints_that_are_none(ai8x, checkpoint, command, damage):
    content = checkpoint.read_bytes()
    match damage:
        case "missing":
            checkpoint.unlink()
        case "truncated":
            checkpoint.write_bytes(content[: len(content) // 2])
        case "text":
            checkpoint.write_text("hello")
        case "malicious":
            checkpoint.write_bytes(pickle.dumps(Executes()))
    arguments = {
        "quantize": (checkpoint, "q.pth.tar"),
        "evaluate": (checkpoint, "--count", 1),
        "predict": ("a.png", "--checkpoint", checkpoint),
    }
    status, out, err = ai8x(command, *arguments[command])
    messages = [line for line in err.splitlines() if line.startswith("ai8x: ")]
    assert (status, out, len(messages)) == (2, "", 1)
    assert "tiny.pth.tar" in messages[0]
    assert "Traceback" not in err
    assert not Path("executed").exists()
    assert not Path("q.pth.tar").exists()


class Executes:
    """Unpickled carelessly, it leaves a file behind."""

    def __reduce__(self):
        return (Path("executed").touch, ())


def test_data_that_is_no_cache(ai8x):
    Path("data").mkdir()
    Path("data/single-train-2.h5").write_text("not HDF5")
    refused(ai8x("data", "--count", 2), 2, "single-train-2.h5")


def test_unknown_preset(ai8x):
    refused(ai8x("data", "--preset", "crowd"), 2, "there is no preset 'crowd'", "single, scene")
    refused(ai8x("sample", "--preset", "crowd"), 2, "there is no preset 'crowd'")


def test_pictures_that_were_not_imported(ai8x):
    refused(ai8x("data", "--preset", "coco", "--count", 5), 2, "has not been imported")
    Path("pictures").mkdir()
    status, _, err = ai8x("data", "--images", "pictures")
    assert status == 2
    assert "--images and --annotations go together" in err
    arguments = ("--images", "pictures", "--annotations", "none.json")
    refused(ai8x("data", *arguments), 2, "none.json")
    assert not list(Path("data").glob("*"))


def test_sample_for_an_unknown_network(ai8x):
    refused(ai8x("sample", "--model", "Large"), 2, "there is no model 'Large'")


@pytest.mark.parametrize("arguments", [("train",), ("predict",), ("data", "--count", "x"), ("no",)])
def test_usage_errors_are_clicks_own(ai8x, arguments):
    status, _, err = ai8x(*arguments)
    assert status == 2
    assert "Usage: ai8x" in err or "Usage: " in err


# -- what is shipped ------------------------------------------------------------------------------


def test_manifest_describes_the_shipped_checkpoints():
    folder = ROOT / "checkpoints"
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    entries = {entry["file"]: entry for entry in manifest["checkpoint"]}
    files = {path.name: path for path in folder.glob("*.pth.tar")}
    assert entries.keys() == files.keys()
    assert sum(path.stat().st_size for path in files.values()) < 10_000_000
    for name, path in files.items():
        entry = entries[name]
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), name
        assert entry["model"] == load_checkpoint(path).arch
        assert (ROOT / entry["recipe"]).is_file()
        assert entry["licence"]
        assert {"ap", "ap50", "ap75", "ar"} <= entry["metrics"].keys()
