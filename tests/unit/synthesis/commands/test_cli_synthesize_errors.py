"""What `synthesize` refuses: message and exit status, and that nothing on disk has changed."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from max78000.errors import CapacityError, InputError, UnsupportedError
from networks import Net, description, write_checkpoint, write_files
from synthesis.commands import synthesize as cli
from synthesis.emit.write import write_project

NET = Net("{name: first, op: conv2d}", "4x2x3x3")
SHIPPED = sorted((Path(__file__).resolve().parents[4] / "networks").glob("*.yaml"))
GIVEN = ("tiny.yaml", "--checkpoint-file", "tiny-q.pth.tar", "--sample-input", "tiny.npy")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_files(folder, NET)
    return folder


@pytest.fixture
def files(originals, tmp_path, monkeypatch):
    shutil.copytree(originals, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Run the command; returns exit status and message; nothing may be printed or have changed."""
    monkeypatch.chdir(tmp_path)

    def refused(*args):
        before = tree(tmp_path)
        monkeypatch.setattr(sys, "argv", ["synthesize", *args])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output = capsys.readouterr()
        assert output.out == ""
        assert "Traceback" not in output.err
        assert tree(tmp_path) == before
        return end.value.code, output.err

    return refused


def tree(folder):
    """Everything in a folder, hidden and temporary things too; files with time and identity."""
    return {path: _state(path) for path in folder.rglob("*")}


def _state(path):
    found = path.lstat()
    return (path.read_bytes(), found.st_mtime_ns, found.st_ino) if path.is_file() else None


def test_scores_that_are_none_are_refused_before_anything_is_read(files, refused):
    (files / "tiny.yaml").unlink()
    (files / "scores.json").write_text("tiny-q.pth.tar (integer): 7 of 8 right\n")
    status, message = refused(*GIVEN, "--evaluation", "scores.json")
    assert status == 2
    assert message == (
        "synthesize: scores.json: no evaluation: Expecting value: line 1 column 1 (char 0)"
        " (write it with `ai8x evaluate tiny-q.pth.tar --json > scores.json`)\n"
    )


# -- exit statuses ---------------------------------------------------------------------------------


def test_exit_statuses_are_those_of_the_errors():
    assert (InputError.exit_code, CapacityError.exit_code, UnsupportedError.exit_code) == (2, 3, 4)


# fmt: off
STATUSES = [
    # layers, exit status, rules in the message
    ("{op: conv2d, kernel: 3x3}",                               2, ["G3"]),
    ("{op: conv2d, kernel_size: 1x1}",                          2, ["C9"]),
    ("{op: conv2d, quantization: 2}",                           2, ["C10"]),
    ("{op: conv2d, processors: 0x7}",                           2, ["P2", "D7"]),
    ("{op: conv2d, in_offset: 0x7ffc}",                         3, ["D5"]),
    ("{op: conv2d}\n" + "{op: none}\n" * 32,                    3, ["G5"]),
    ("{op: conv2d, stride: 2}",                                 4, ["C4"]),
    ("{op: conv2d, groups: 2}",                                 4, ["G18"]),
    ("{op: conv2d, pad: 3, dilation: 2, output_shift: 20}",     4, ["C5", "C7", "C11"]),
]
# fmt: on


@pytest.mark.parametrize(("layers", "status", "rules"), STATUSES)
def test_exit_status(files, refused, layers, status, rules):
    (files / "tiny.yaml").write_text(description(layers))
    found, err = refused(*GIVEN)
    assert found == status
    assert err.startswith("synthesize: tiny.yaml")
    assert re.findall(r" \[([A-Z]\d+)\]", err) == rules


@pytest.mark.parametrize("args", [["--timer", "9"], ["--no-such"], ["--show", "rtl"]])
def test_wrong_usage(files, refused, args):
    status, err = refused(*GIVEN, *args)
    assert status == 2
    assert err.startswith("Usage: synthesize [OPTIONS] [NETWORK]")


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "two words", "x\ny", "$(HOME)", "-x"])
def test_names_that_are_none(files, refused, name):
    assert refused(*GIVEN, f"--prefix={name}") == (
        2,
        f"synthesize: --prefix: {name!r} is no name for a project (give one of letters, digits, _ "
        ". + and -)\n",
    )


def test_no_network(refused):
    assert refused() == (
        2, "synthesize: no network given (synthesize networks/NAME.yaml, or --config-file)\n"
    )  # fmt: skip


def test_another_chip(files, refused):
    assert refused(*GIVEN, "--device", "MAX78002") == (
        4, "synthesize: --device: no device 'MAX78002' (use MAX78000)\n"
    )  # fmt: skip


def test_softmax_of_several_layers(files, refused):
    layers = "{name: first, op: conv2d, output: true}\n{name: last, op: none, output: true}"
    (files / "tiny.yaml").write_text(description(layers))
    assert refused(*GIVEN, "--softmax") == (
        4,
        "synthesize: tiny.yaml:5 layers[1] last: --softmax is for the last layer alone, 2 are "
        "unloaded [O4] (mark no other layer `output: true`)\n",
    )


# -- files -----------------------------------------------------------------------------------------


def test_a_missing_description_is_all_that_is_said(refused):
    message = "synthesize: net.yaml: no such file [G1] (check the path)\n"
    assert refused("net.yaml") == (2, message)


@pytest.mark.parametrize("name", ["networks/pose_tyni.yaml", "pose_tiny.yaml", "pose_tiny"])
def test_a_name_like_those_that_are_shipped_is_refused_with_all_of_them(refused, name):
    names = ", ".join(path.name for path in SHIPPED)
    message = f"{name}: no such file [G1] (check the path; shipped in networks: {names})\n"
    assert refused(name) == (2, f"synthesize: {message}")


LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        (LONG,),
        (f"networks/{LONG}.yaml",),
        (f"networks/{LONG}.pth.tar",),
        ("tiny.yaml", "--checkpoint-file", f"checkpoints/{LONG}.pth.tar"),
        (*GIVEN[:3], "--sample-input", f"networks/samples/{LONG}.npy"),
        (*GIVEN[:3], "--sample-input", f"networks/samples/{LONG}.png"),
    ],
)
@pytest.mark.usefixtures("files")
def test_a_name_that_no_file_can_have_is_refused(refused, words):
    status, told = refused(*words)
    assert (status, f"{LONG[:200]}" in told) == (2, True)


@pytest.mark.parametrize("text", ["- no description\n", "model: net\n", "\x00"])
def test_what_is_no_description_is_all_that_is_said(files, refused, text):
    (files / "net.yaml").write_text(text)
    status, err = refused("net.yaml")
    assert status == 2
    lines = err.removeprefix("synthesize: ").splitlines()
    assert all(line.startswith("net.yaml") for line in lines)


def test_files_that_were_named_are_looked_at_with_it(files, refused):
    (files / "net.yaml").write_text("- no description\n")
    named = ("--checkpoint-file", "q.pth.tar", "--sample-input", "x.npy")
    status, err = refused("net.yaml", *named)
    assert status == 2
    first, *others = err.splitlines(keepends=True)
    assert first.startswith("synthesize: net.yaml:1")
    assert "".join(others[-2:]) == (
        "q.pth.tar: no such file (check --checkpoint-file)\n"
        "x.npy: no such file [G24] (give --sample-input)\n"
    )


def test_defaults_are_looked_for_where_the_help_says(files, refused):
    status, err = refused("tiny.yaml")
    assert status == 2
    assert err == (
        "synthesize: checkpoints/tiny-q.pth.tar: no such file: looked for, as none was named"
        " (give --checkpoint-file)\n"
        "networks/samples/tiny.npy: no such file, nor tests/sample_tiny.npy: looked for, as none"
        " was named [G24] (give --sample-input)\n"
    )


@pytest.mark.long
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_descriptions_are_checked_alone(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # no checkpoint, no sample: nobody's own gets the shipped ones
    shutil.copy(path, tmp_path)
    fifo = ["--fifo"] if "streaming: true" in path.read_text() else []
    monkeypatch.setattr(sys, "argv", ["synthesize", path.name, "--check", *fifo])
    with pytest.raises(SystemExit) as end:
        cli.main()
    is_large = path.stem == "pose_student"
    assert end.value.code == (3 if is_large else 0)
    told = capsys.readouterr().err
    assert "no checkpoint" in told or is_large
    assert ("weights need 660,384 bytes of 442,368" in told) == is_large


@pytest.mark.parametrize("content", [b"\x80\x00\xff", b"\xff\xfea\0", b"arch: \xe9"])
def test_a_description_that_is_no_text(files, refused, content):
    (files / "tiny.yaml").write_bytes(content)
    status, err = refused(*GIVEN)
    assert status == 2
    assert err.startswith("synthesize: tiny.yaml: cannot be read: 'utf-8' codec can't decode byte")
    assert err.endswith(" [G1] (give a description in YAML)\n")


@pytest.mark.parametrize("name", ["net.py", "net.onnx", "net.pth.tar"])
def test_a_model_is_no_description(files, refused, name):
    (files / name).write_bytes(b"class Net: pass")
    status, err = refused(name)
    assert status == 2
    assert err == (
        f"synthesize: {name}: is a model or its weights, no description [G1] "
        "(`ai8x describe MODEL --out NETWORK.yaml` writes one)\n"
    )


def test_a_folder_in_place_of_a_file(files, refused):
    (files / "folder").mkdir()
    status, err = refused("folder", *GIVEN[1:])
    assert status == 2
    assert err.startswith("synthesize: folder: cannot be read: [Errno 21] Is a directory")


def test_files_in_the_wrong_place(files, refused):
    """Description, checkpoint and sample handed over in another order."""
    wrong = ["--checkpoint-file", "tiny.yaml", "--sample-input", "tiny-q.pth.tar"]
    status, err = refused("tiny.npy", *wrong)
    assert status == 2
    first, second, third = err.splitlines()
    assert first.startswith("synthesize: tiny.npy: cannot be read: 'utf-8' codec")
    assert second.startswith("tiny.yaml: is not a PyTorch checkpoint (")
    assert third.startswith("tiny-q.pth.tar: cannot be read: cannot identify image file")
    assert third.endswith("(give a picture, such as a PNG or a JPEG, or an .npy array)")


def test_a_sample_of_another_network(files, refused):
    np.save("tiny.npy", np.zeros((3, 6, 6), np.int8))
    assert refused(*GIVEN) == (
        2,
        "synthesize: tiny.yaml:4 layers[0] first: the sample has 3 channels, the first layer reads "
        "2 [G24] (give a sample of 2x6x6)\n",
    )


def test_a_checkpoint_that_was_not_quantized(files, refused):
    state = {"conv.op.weight": np.full((4, 2, 3, 3), 0.25), "conv.bn.weight": np.ones(4)}
    write_checkpoint(files / "tiny-q.pth.tar", {"arch": "tiny", "state_dict": state})
    assert refused(*GIVEN) == (
        2,
        "synthesize: tiny-q.pth.tar conv.op.weight: values are not integers: the checkpoint is not "
        "quantized [G25] (run `ai8x quantize IN OUT` first)\n"
        "tiny-q.pth.tar conv.bn.weight: one-dimensional weights: batch normalization is not folded "
        "[G25] (quantize with `ai8x quantize`, which folds it)\n",
    )


def test_a_checkpoint_cut_short(files, refused):
    whole = (files / "tiny-q.pth.tar").read_bytes()
    (files / "tiny-q.pth.tar").write_bytes(whole[: len(whole) // 2])
    status, err = refused(*GIVEN)
    assert status == 2
    assert err == (
        "synthesize: tiny-q.pth.tar: cannot be read: File is not a zip file [G25] (write it again; "
        "a download may have been cut short)\n"
    )


def test_a_checkpoint_of_another_arch(files, refused):
    (files / "tiny.yaml").write_text(description("{op: conv2d}").replace("arch: tiny", "arch: big"))
    assert refused(*GIVEN)[1] == (
        "synthesize: tiny.yaml:1: arch is big, the checkpoint tiny-q.pth.tar was made for tiny "
        "[G12] (use the checkpoint of this network, or correct arch)\n"
    )


# -- the project folder ----------------------------------------------------------------------------


@pytest.fixture
def project(files):
    """A folder `build/tiny` as an earlier run and its user left it."""
    folder = files / "build" / "tiny"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "notes.txt").write_text("mine")
    (folder / "cnn.c").write_text("old")
    (folder / "project.mk").write_text("edited")
    (folder / "link").symlink_to("cnn.c")
    return folder


def test_an_existing_project_is_left_alone(project, refused):
    assert refused(*GIVEN) == (
        2, "synthesize: build/tiny: exists already [O6] (give --overwrite or another --prefix)\n"
    )  # fmt: skip


def test_overwriting_keeps_what_the_user_added(project, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["synthesize", *GIVEN, "--overwrite"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert (project / "mine" / "notes.txt").read_text() == "mine"
    assert (project / "project.mk").read_text() == "edited"
    assert (project / "link").is_symlink()
    assert (project / "cnn.c").read_text().startswith("/*")
    assert [path.name for path in project.parent.iterdir()] == ["tiny"]


def test_a_refusal_with_overwrite_changes_nothing(project, files, refused):
    (files / "tiny.yaml").write_text(description("{op: conv2d, stride: 2}"))
    assert refused(*GIVEN, "--overwrite")[0] == 4


def test_a_file_in_the_place_of_the_project(files, refused):
    (files / "build").mkdir()
    (files / "build" / "tiny").write_text("a file")
    assert refused(*GIVEN, "--overwrite") == (
        2, "synthesize: build/tiny: is not a folder [O6] (give another --prefix)\n"
    )  # fmt: skip


def test_a_file_in_the_place_of_its_parent(files, refused):
    (files / "build").write_text("a file")
    message = (
        "synthesize: build/tiny: cannot be written: File exists"
        " (part of the path is a file: name a folder)\n"
    )
    assert refused(*GIVEN) == (2, message)


def full_disk(*_args, **_options):
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_the_old_project(project, refused, monkeypatch):
    monkeypatch.setattr(Path, "write_text", full_disk)
    message = (
        "synthesize: build/tiny: cannot be written: No space left on device"
        " (make room, or name a place on another disk)\n"
    )
    assert refused(*GIVEN, "--overwrite") == (2, message)


def test_a_full_disk_leaves_no_new_project(files, refused, monkeypatch):
    monkeypatch.setattr(Path, "write_text", full_disk)
    assert refused(*GIVEN, "--test-dir", "made/for/it")[0] == 2
    assert not (files / "made").exists()


def test_an_old_project_comes_back_if_the_new_one_cannot_be_put_there(project, monkeypatch):
    before, replace, calls = tree(project), Path.replace, []

    def second_fails(self, target):
        calls.append(target)
        return full_disk() if len(calls) == 2 else replace(self, target)

    monkeypatch.setattr("max78000.files._swapped", lambda *_: False)  # as other systems do it
    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises(InputError, match="No space left on device"):
        write_project(project, {"cnn.c": "new"}, overwrite=True)
    assert len(calls) == 3
    assert tree(project) == before
    assert [path.name for path in project.parent.iterdir()] == ["tiny"]
