"""The command `synthesize`: what it writes and prints, where, and with which exit status."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from networks import Net, write_files
from synthesis.commands import synthesize as cli
from synthesis.rules.manual import CHECKS, EARLY
from synthesis.version import VERSION

pytestmark = pytest.mark.long  # a compiler, or a whole command, each

ROOT = Path(__file__).resolve().parents[4]
NET = Net(
    "{name: first, op: conv2d, activate: ReLU}\n"
    "{name: last, op: linear, flatten: true, output_width: 32}",
    "4x2x3x3 3x144", bias=2,
)  # fmt: skip
ALWAYS = {
    "CMakeLists.txt", "Makefile", "cnn.c", "cnn.h", "layers.json", "main.c", "network.json",
    "project.mk", "program.json", "report.html", "report.json", "sampledata.h", "sampleoutput.h",
    "weights.h",
}  # fmt: skip


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_files(folder, NET)
    return folder


@pytest.fixture
def files(originals, tmp_path, monkeypatch):
    """A fresh working folder with tiny.yaml, tiny-q.pth.tar and tiny.npy."""
    shutil.copytree(originals, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


GIVEN = ("tiny.yaml", "--checkpoint-file", "tiny-q.pth.tar", "--sample-input", "tiny.npy")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command; returns exit status, standard output and standard error."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["synthesize", *args])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output = capsys.readouterr()
        return end.value.code, output.out, output.err

    return run


def tree(folder):
    """Relative path -> content of everything in a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def edit(path, old, new):
    path.write_text(path.read_text().replace(old, new))


# -- what is written and printed -------------------------------------------------------------------


def test_a_project(files, run):
    status, out, err = run(*GIVEN)
    assert (status, err) == (0, "")
    assert set(tree(files / "build")) == {f"tiny/{name}" for name in ALWAYS}
    lines = out.splitlines()
    assert lines[0].startswith("weights ")
    assert re.fullmatch(
        r"[\d,]+ multiply-accumulates in [\d,]+ cycles, [\d.]+ ms at 50 MHz", lines[-2]
    )
    assert lines[-1] == "wrote build/tiny"


def test_the_options_of_the_vendor(files, run):
    args = ["--config-file", *GIVEN, "--test-dir", "out", "--prefix", "net", "--device", "78000"]
    assert run(*args, "--timer", "1", "--softmax")[0] == 0
    assert set(tree(files / "out")) == {f"net/{name}" for name in {*ALWAYS, "softmax.c"}}
    assert "CNN_INFERENCE_TIMER MXC_TMR1" in (files / "out" / "net" / "cnn.h").read_text()


def test_what_may_be_left_out(files, run):
    assert run(*GIVEN, "--no-kat", "--no-unload")[0] == 0
    written = tree(files / "build" / "tiny")
    assert set(written) == ALWAYS - {"sampleoutput.h"}
    assert b"cnn_unload" not in written["cnn.c"]


def test_files_are_found_by_name(files, run):
    (files / "checkpoints").mkdir()
    (files / "networks" / "samples").mkdir(parents=True)
    (files / "tiny-q.pth.tar").rename("checkpoints/tiny-q.pth.tar")
    (files / "tiny.npy").rename("networks/samples/tiny.npy")
    assert run("tiny.yaml", "--check")[0] == 0


def test_the_sample_is_also_where_the_vendor_has_it(files, run):
    (files / "tests").mkdir()
    (files / "tiny.npy").rename("tests/sample_tiny.npy")
    assert run("tiny.yaml", "--checkpoint-file", "tiny-q.pth.tar", "--check")[0] == 0


def test_check_writes_nothing(files, run):
    before = tree(files)
    status, out, err = run(*GIVEN, "--check")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "OK: fits"
    assert tree(files) == before


@pytest.mark.parametrize(
    ("stage", "first"),
    [("graph", "graph tiny: input 2x6x6"), ("placed", "---"), ("program", "program tiny for")],
)
def test_show_writes_nothing(files, run, stage, first):
    before = tree(files)
    status, out, err = run(*GIVEN, "--show", stage)
    assert (status, err) == (0, "")
    assert out.startswith(first)
    assert tree(files) == before


def test_json(files, run):
    status, out, _ = run(*GIVEN, "--json")
    assert status == 0
    assert out == (files / "build" / "tiny" / "report.json").read_text()
    report = json.loads(out)
    assert report["format"] == "max78000-report-1"
    assert report["cycles"]["total"] == 1 + sum(report["cycles"]["layers"])
    assert [layer["name"] for layer in report["layers"]] == ["first", "last"]
    assert run(*GIVEN, "--json", "--check")[1] == out


def test_scores_of_the_network_are_shown(files, run):
    score = {
        "checkpoint": "tiny-q.pth.tar", "mode": "integer", "task": "classification",
        "name": "accuracy", "value": 0.75, "interval": [0.5, 0.875], "split": "test",
        "n_examples": 8,
    }  # fmt: skip
    trained = score | {"checkpoint": "tiny.pth.tar", "mode": "qat"}
    rows = {name: {"score": one} for name, one in (("trained", trained), ("integers", score))}
    (files / "scores.json").write_text(json.dumps(rows))
    status, out, err = run(*GIVEN, "--evaluation", "scores.json")
    assert (status, err) == (0, "")
    assert out.splitlines()[-2] == (
        "accuracy 0.7500 (0.5000 to 0.8750 with 95 % confidence) of 8 test examples,"
        " tiny-q.pth.tar (integer)"
    )
    project = files / "build" / "tiny"
    assert json.loads((project / "report.json").read_text())["scores"] == [score]
    assert "Evaluated accuracy" in (project / "report.html").read_text()


def test_verbose_prints_the_layers(files, run):
    _, out, _ = run(*GIVEN, "--check", "-v")
    assert "  1 last <- 0: 4x6x6 -> 3x1x1; Linear" in out
    assert "\x1b" not in out
    report = json.loads((run(*GIVEN, "--check", "--json"))[1])
    heading, *rows = out[out.index("   layer") :].splitlines()[: len(report["layers"]) + 2]
    assert heading.split() == [
        "layer", "output", "weights", "data", "memory", "processors", "cycles", "of", "all", "of",
        "peak",
    ]  # fmt: skip
    for row, layer in zip(rows, report["layers"], strict=False):
        words = row.split()
        assert words[:4] == [
            str(layer["index"]), layer["name"], layer["output"], str(layer["weight_bytes"]),
        ]  # fmt: skip
        assert words[6] == f"{layer['cycles']:,}"
    assert rows[-1].split()[0] == "all"
    assert f"{report['cycles']['total']:,}" in rows[-1]


def test_variants_are_tried_where_they_are_asked_for(files, run):
    status, out, err = run(*GIVEN, "--check", "--variants")
    assert (status, err) == (0, "")
    heading, as_it_is, best = out.splitlines()[:3]
    assert heading.split()[:3] == ["change", "cycles", "change"]
    assert as_it_is.startswith("as it is  ")
    _, plain, _ = run(*GIVEN, "--check", "--json")
    assert "variants" not in json.loads(plain)
    report = json.loads(run(*GIVEN, "--variants", "--json")[1])
    found, note = report["variants"], report["variants_note"]
    assert note.startswith("Sizes and times only: accuracy is not known")
    assert out.splitlines()[2 + len(found)] == note
    assert best.startswith(found[0]["change"])
    assert f"\n{found[-1]['change']}: {found[-1]['how']}\n" in out
    assert found[0]["change"] in (files / "build" / "tiny" / "report.html").read_text()


def test_warnings_go_to_standard_error(files, run):
    edit(files / "tiny.yaml", "activate: ReLU", "activate: ReLU, max_pool: 1, pool_stride: 1")
    assert run(*GIVEN, "--check")[2] == ""
    edit(files / "tiny.yaml", "max_pool: 1, pool_stride: 1", "pad: 2, max_pool: 3")
    status, _, err = run(*GIVEN, "--check")
    assert status == 0
    assert err == (
        "warning: tiny.yaml:4 layers[0] first: pooling with stride 1 [L6] (give pool_stride if "
        "unintended)\n"
        "warning: tiny.yaml:4 layers[0] first: the first layer pools 36 pixels to 16 [L8] (load a "
        "smaller picture)\n"
    )


def test_version_and_help(run):
    assert run("--version")[1] == f"synthesize, version {VERSION}\n"
    status, out, _ = run("--help")
    assert status == 0
    assert "synthesize networks/pose_tiny.yaml --check" in out
    assert "--display-checkpoint" not in out  # taken, but nothing to offer


# -- rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [*EARLY, *CHECKS])
def test_every_rule_is_explained(run, rule):
    status, out, err = run("--explain", rule)
    assert (status, err) == (0, "")
    head, empty, *text = out.splitlines()
    assert re.fullmatch(
        rf"{rule} \((warning|exit status [234](; --allow {rule} makes it a warning)?)\)", head
    )
    assert empty == ""
    assert text[-1].endswith(".")


def test_the_page_of_rules_is_what_the_command_prints(run):
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert run("--explain", "all") == (0, page, "")


def test_every_rule_that_a_message_names_can_be_explained():
    named = {
        node.value
        for path in (ROOT / "synthesis").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Z]\d{1,2}[a-z]?", node.value)
    }
    assert named == {*EARLY, *CHECKS}
    assert not set(EARLY) & set(CHECKS)


def test_ids_are_taken_in_any_case_and_unknown_ones_not(run):
    assert run("--explain", "c12") == run("--explain", "C12")
    status, _, err = run("--explain", "G99")
    assert status == 2
    assert err.startswith("synthesize: --explain: no rule 'G99' (there are G9")


def test_allow(files, run):
    edit(
        files / "tiny.yaml",
        "name: first,",
        "name: first, in_offset: 0, out_offset: 64, output_processors: 0xf,",
    )
    status, _, err = run(*GIVEN, "--check")
    assert status == 3
    assert "layers[0] first: its output overwrites the input at byte 0x40" in err
    for option in (["--allow", "D7"], ["--overlap-data"]):
        status, _, err = run(*GIVEN, "--check", *option)
        assert status == 0
        assert err.startswith("warning: tiny.yaml:4 layers[0] first: its output overwrites")
    status, _, err = run(*GIVEN, "--allow", "C12")
    assert status == 2
    assert err.startswith(
        "synthesize: --allow: rule C12 cannot be allowed: there is no program without it "
        "(possible are C18, "
    )


# -- in other processes ----------------------------------------------------------------------------

IMPORTS = """
import sys
from synthesis.commands.synthesize import main
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("module", "left_out"),
    [
        ("synthesis.commands.compare", {"jinja2"}),
        ("synthesis.api", {"synthesis.variants.gains", "synthesis.variants.changes"}),
    ],
)
def test_what_few_ask_for_is_not_imported(module, left_out):
    code = f"import {module}, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not left_out & set(run.stdout.split())


def test_same_bytes_from_anywhere_and_no_torch(originals, tmp_path):
    """Two processes, two working folders, relative and absolute paths: the same project."""
    runs = []
    for folder, prefix in ((originals, ""), (tmp_path, f"{originals}/")):
        arguments = [f"{prefix}{a}" if a.startswith("tiny") else a for a in GIVEN]
        command = [sys.executable, "-c", IMPORTS, *arguments, "--test-dir", str(tmp_path / "out")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        assert "synthesis" in done.stderr.split()
        assert not {"torch", "onnx", "ai8x_models"} & set(done.stderr.split())
        runs.append(tree(tmp_path / "out"))
        shutil.rmtree(tmp_path / "out")
    assert runs[0] == runs[1]
    text = b"".join(runs[0].values())
    assert str(originals).encode() not in text
    assert b"/home" not in text


FOREIGN = (
    "networks/pose_tiny.yaml",
    "--checkpoint-file",
    "checkpoints/pose_tiny-q.pth.tar",
    "--check",
)


def test_shipped_files_that_are_named_are_told_beside_the_results(tmp_path):
    command = [sys.executable, "-m", "synthesis", *FOREIGN, "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)
    assert done.stderr == "".join(
        f"note: {name} is the shipped one: {ROOT / name}\n" for name in (FOREIGN[0], FOREIGN[2])
    )


WHOLE_NAMES = IMPORTS.replace('.partition(".")[0]', "")


def test_ones_own_network_is_compiled_without_asking_pip(originals):
    command = [sys.executable, "-c", WHOLE_NAMES, *GIVEN[:1], "--check"]
    done = subprocess.run(command, cwd=originals, capture_output=True, text=True, check=False)
    assert "synthesis.read.files" in done.stderr.split()
    assert "importlib.metadata" not in done.stderr.split()
