"""Files that once ended in a traceback, an endless loop or gigabytes: one line each, and exit 2.

Each within two seconds of the processor and 200 MB, all that the command takes included. The files
lie beside the project; without them nothing is run here: `test_damaged_files.py` makes the kinds.
"""

import shutil
from pathlib import Path

import pytest
from brought import beside
from damaged import refused
from fuzz.run import outcome, warm_up
from fuzz.targets import TARGETS
from fuzz.tell import is_refusal
from measured import measured

ROOT = Path(__file__).resolve().parents[2]
CASES = beside("cases", "damaged")
TINY, DIGITS = "networks/pose_tiny.yaml", "networks/digit_net.yaml"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not there")
pytestmark = [pytest.mark.slow, needs_cases]

# What a name ends or begins with -> under which name it is given to which commands.
COMMANDS = {
    ".pth.tar": (("synthesize", DIGITS, "--check", "--checkpoint-file", "case.pth.tar"),
                 ("ai8x", "quantize", "case.pth.tar", "out.pth.tar")),
    ".npy": (("synthesize", TINY, "--check", "--sample-input", "case.npy"),),
    "fuzz_npy": (("synthesize", TINY, "--check", "--sample-input", "case.npy"),),
    "fuzz_dumps": (("max78000", "compare", "project", "--dump", "case.npz"),),
    "dump_": (("max78000", "compare", "project", "--dump", "case.npz"),),
    "layerlog_digits": (("max78000", "compare", "project", "--console", "case.txt"),),
    "fuzz_onnx": (("ai8x", "describe", "case.onnx"),
                  ("synthesize", DIGITS, "--check", "--checkpoint-file", "case.onnx")),
    "net_wide": (("synthesize", "case.yaml", "--check"),),
    "net_bom16": (("synthesize", "case.yaml", "--check"),),
    "policy_": (("ai8x", "train", "--model", "DigitNet", "--task", "classification", "--data", "x",
                 "--epochs", "1", "--qat-policy", "case.yaml"),),
    "recipe_ctrl": (("ai8x", "train", "case.yaml"),),
    "recipe_deep": (("ai8x", "train", "case.yaml"),),
    "fuzz_recipe": (("ai8x", "train", "case.yaml"),),
    "fuzz_elf": (("max78000", "simulate", "case.elf", "--seconds", "1"),),
    "fuzz_pictures": (("max78000", "simulate", "project", "--input", "case.png"),
                      ("ai8x", "predict", "case.png")),
    "fuzz_coco-f837": (("ai8x", "data", "--images", ".", "--annotations", "case.json"),),
    ".h5": (("ai8x", "evaluate", "checkpoints/pose_tiny.pth.tar", "--folder", ".",
            "--count", "16"),),
    "fuzz_h5": (("ai8x", "evaluate", "checkpoints/pose_tiny.pth.tar", "--folder", ".",
                 "--count", "16"),),
    "fuzz_state": (("max78000", "simulate", "--state", "case.json"),),
    "state_": (("max78000", "simulate", "--state", "case.json.gz"),),
}  # fmt: skip


def asked():
    """Every file with every command that reads its kind."""
    names = sorted(path.name for path in CASES.iterdir()) if CASES.is_dir() else []
    return [
        pytest.param(name, command, id=f"{name} {command[0]}")
        for name in names
        for kind, commands in COMMANDS.items()
        if name.startswith(kind) or name.endswith(kind)
        for command in commands
    ]


def copied(name, command, shipped, folder):
    """Everything that a command is given, the damaged file under its name there; that name."""
    for shared in ("networks", "checkpoints"):
        (folder / shared).symlink_to(ROOT / shared)
    if "project" in command:
        shutil.copytree(shipped("pose_tiny"), folder / "project")
    cases = [word for word in command if word.startswith("case.")]
    (given,) = cases or ["single-validation-16.h5"]
    shutil.copy(CASES / name, folder / given)
    return given


@pytest.mark.parametrize(("name", "command"), asked())
def test_one_line_and_exit_2(name, command, shipped, tmp_path):
    given = copied(name, command, shipped, tmp_path)
    for problem in refused(*command, folder=tmp_path):
        assert given in problem


@pytest.mark.parametrize("command", ["ai8x describe", "synthesize --check " + DIGITS])
@pytest.mark.parametrize("name", ["abs", "dots", "missing"])
def test_weights_outside_the_model_are_refused(name, command, tmp_path):
    shutil.copytree(CASES / "onnx_external", tmp_path / "case")
    (tmp_path / "networks").symlink_to(ROOT / "networks")
    words = command.split()
    words += ["--checkpoint-file"] if words[0] == "synthesize" else []
    (problem,) = refused(*words, f"case/{name}.onnx", folder=tmp_path)
    assert f"case/{name}.onnx" in problem


def test_pictures_that_a_listing_names_are_looked_for(tmp_path):
    (tmp_path / "pictures").mkdir()
    shutil.copy(CASES / "fuzz_coco-282113e3", tmp_path / "case.json")
    words = ("ai8x", "data", "--images", "pictures", "--annotations", "case.json")
    assert refused(*words, folder=tmp_path) == ["ai8x: pictures/a.png: no such file"]


@pytest.mark.parametrize(("kind", "surface"), [("openocd", "OpenOCD"), ("pmon", "power monitor")])
def test_lines_of_other_programs(kind, surface, tmp_path):
    warm_up([surface])
    for path in CASES.glob(f"fuzz_{kind}-*"):
        error = outcome(TARGETS[surface], path.read_bytes(), tmp_path)
        assert error is None or is_refusal(error, TARGETS[surface].refusals)


@pytest.mark.parametrize("name", ["net_bom.yaml", "net_cr.yaml"])
def test_marks_and_ends_of_lines_are_taken(name, tmp_path):
    shutil.copy(CASES / name, tmp_path / "case.yaml")
    files = (ROOT / "checkpoints/pose_tiny-q.pth.tar", ROOT / "networks/samples/pose_tiny.npy")
    words = ("case.yaml", "--check", "--checkpoint-file", files[0], "--sample-input", files[1])
    assert measured("synthesize", *words, folder=tmp_path).status == 0


def test_an_archive_of_weights_is_refused(tmp_path):
    """`--weight-input` takes arrays that lie back to back in a file."""
    (tmp_path / "net.yaml").write_text(
        "arch: test\ndataset: small\nlayers:\n  - {op: conv2d, kernel_size: 3x3, pad: 1}\n"
    )
    shutil.copy(CASES / "weights_valid.npz", tmp_path / "case.npz")
    sample = ("--sample-input", ROOT / "networks/samples/pose_tiny.npy")
    words = ("synthesize", "net.yaml", "--check", *sample, "--weight-input", "case.npz")
    (problem,) = refused(*words, folder=tmp_path)
    assert problem.startswith("synthesize: case.npz: holds no .npy arrays: ")


def test_a_log_with_a_long_line_is_read(shipped):
    words = ("max78000", "compare", shipped("pose_tiny"), "--console", CASES / "layerlog_big.txt")
    assert measured(*words, folder=ROOT).status == 1
