"""`synthesize` with several networks: what it writes and says, and what it refuses."""

import json
import shutil

import pytest
from click.testing import CliRunner

from max78000.errors import CapacityError, ProblemList
from networks import Net, write_files
from synthesis.commands.synthesize import synthesize

SMALL = Net("{name: first, op: conv2d}", "4x2x3x3", bias=3)
LARGE = Net("{name: wide, op: conv2d}", "500x2x3x3", "2x4x4")
LARGER = Net("{name: wider, op: conv2d}", "600x2x3x3", "2x4x4")
NETS = {"near": SMALL, "far": LARGE, "wide": LARGER}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    for name, net in NETS.items():
        write_files(folder, net, name)
    (folder / "checkpoints").mkdir()
    (folder / "networks" / "samples").mkdir(parents=True)
    for name in NETS:
        shutil.move(folder / f"{name}-q.pth.tar", folder / "checkpoints")
        shutil.move(folder / f"{name}.npy", folder / "networks" / "samples")
    return folder


@pytest.fixture
def files(originals, tmp_path, monkeypatch):
    shutil.copytree(originals, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(*args):
    """Standard output and warnings."""
    result = CliRunner().invoke(synthesize, args, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.stdout, result.stderr


def refused(*args):
    """Every problem, as text."""
    error = CliRunner().invoke(synthesize, args, standalone_mode=False).exception
    return [str(problem) for problem in getattr(error, "problems", (error,))]


def tree(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_networks_that_fit_stay(files):
    said, _ = told("near.yaml", "far.yaml", "--prefix", "both", "--timer", "0")
    assert said.splitlines() == [
        "weights 9,288 of 442,368 bytes (2 %) for 2 networks, busiest processor 516 of 768 words",
        "biases  4 of 2,048 bytes (0 %)",
        "near: stays in the chip; a switch to it takes 1 us and 0.03 uJ, an inference 0.01 ms",
        "far: stays in the chip; a switch to it takes 5 us and 0.09 uJ, an inference 0.17 ms",
        "wrote build/both",
    ]


def test_a_folder_holds_c_files_by_name_and_a_folder_a_network(files):
    told("near.yaml", "far.yaml")
    own = ["cnn.c", "cnn.h", "sampledata.h", "sampleoutput.h", "test.c", "weights.h"]
    kept = ["layers.json", "network.json", "program.json", "report.html", "report.json"]
    shared = ["CMakeLists.txt", "Makefile", "cnn.c", "cnn.h", "main.c", "project.mk"]
    shared += ["report.html", "report.json"]
    expected = [f"{name}_{file}" for name in ("near", "far") for file in own]
    expected += [f"{name}/{file}" for name in ("near", "far") for file in kept]
    assert tree(files / "build" / "near-far") == sorted(expected + shared)


def test_what_is_loaded_again_is_said_with_its_cost(files):
    told("far.yaml", "wide.yaml", "near.yaml", "--prefix", "three")
    report = json.loads((files / "build" / "three" / "report.json").read_text())
    assert [(one["name"], one["stays"], one["displaces"]) for one in report["networks"]] == [
        ("far", False, ["wide"]),
        ("wide", False, ["far"]),
        ("near", True, []),
    ]
    work = {one["name"]: one for one in report["work"]}
    assert work["far weights and biases"]["is_repeated"]
    assert not work["near weights and biases"]["is_repeated"]
    far = report["networks"][0]
    loading, registers = work["far weights and biases"], work["far registers"]
    assert loading["words"] == 2 * 512 * 9 / 4
    assert far["switch_microseconds"] == loading["microseconds"] + registers["microseconds"]
    assert far["switch_energy_uj"] == loading["energy_uj"] + registers["energy_uj"]
    assert "loaded over wide" in (files / "build" / "three" / "report.html").read_text()


def test_functions_say_over_whom_they_load(files):
    told("far.yaml", "near.yaml", "wide.yaml", "--prefix", "three")
    folder = files / "build" / "three"
    assert "cnn_loaded &= ~(0x5u);" in (folder / "far_cnn.c").read_text()
    assert "cnn_loaded &= ~(0x2u);" in (folder / "near_cnn.c").read_text()
    assert "int near_cnn_start(void);" in (folder / "near_cnn.h").read_text()
    assert "#define NEAR_CNN_NUM_OUTPUTS 144" in (folder / "near_cnn.h").read_text()
    assert "where those of wide do" in (folder / "far_cnn.h").read_text()
    assert "int near_cnn_stop(void);" in (folder / "near_cnn.h").read_text()
    assert "cnn_stop" not in (folder / "cnn.h").read_text()
    assert "int cnn_enable(" not in (folder / "near_cnn.c").read_text()


def test_names_and_files_can_be_given(files):
    shutil.move(files / "checkpoints" / "near-q.pth.tar", files / "other.pth.tar")
    said, _ = told(
        "a=near.yaml", "b=near.yaml", "--check",
        *("--checkpoint-file", "other.pth.tar", "--checkpoint-file", "other.pth.tar"),
        *("--sample-input", "networks/samples/near.npy") * 2,
    )  # fmt: skip
    assert "a: stays" in said
    assert said.endswith("OK: fits\n")
    assert not (files / "build").exists()


def test_stages_are_shown_one_after_the_other(files):
    said, _ = told("near.yaml", "far.yaml", "--show", "program")
    assert said.count("# near\nprogram near for MAX78000\n") == 1
    assert said.count("# far\nprogram far for MAX78000\n") == 1


def test_json_is_the_report(files):
    said, _ = told("near.yaml", "far.yaml", "--json")
    assert said == (files / "build" / "near-far" / "report.json").read_text()


def test_verbose_prints_every_layer_table(files):
    assert told("near.yaml", "far.yaml", "--verbose", "--check")[0].count("# ") == 2


# -- refusals --------------------------------------------------------------------------------------


def test_the_same_name_twice(files):
    (files / "more").mkdir()
    shutil.copy(files / "near.yaml", files / "more" / "Near.yaml")
    shutil.copy(files / "checkpoints" / "near-q.pth.tar", files / "checkpoints" / "Near-q.pth.tar")
    shutil.copy(
        files / "networks" / "samples" / "near.npy", files / "networks" / "samples" / "Near.npy"
    )
    assert refused("near.yaml", "more/Near.yaml") == [
        "more/Near.yaml: is called Near, as is near.yaml: their C functions would have the same "
        "names (name it: NAME=more/Near.yaml)"
    ]


def test_a_name_that_no_function_can_have(files):
    shutil.copy(files / "near.yaml", files / "7.yaml")
    assert refused("7.yaml", "build=near.yaml", "--check") == [
        "7.yaml: C functions and a folder cannot be called after '7' (name it: NAME=7.yaml)",
        "near.yaml: C functions and a folder cannot be called after 'build' "
        "(name it: NAME=near.yaml)",
    ]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            ("--stop-after", "0"),
            "--stop-after: changes one network, and does not say which: not with several networks "
            "(say it in its description, or synthesize that network alone)",
        ),
        (
            ("--zero-sram",),
            "--zero-sram: clears the weights of the other networks, too: not with several networks "
            "(leave it out)",
        ),
        (
            ("--forever",),
            "--forever: main.c runs all networks by turns, on their samples: not with several "
            "networks (synthesize one network alone, or edit main.c)",
        ),
        (
            ("--riscv",),
            "--riscv: several networks run on the Arm core alone: not with several networks "
            "(leave it out)",
        ),
        (
            ("--riscv-exclusive",),
            "--riscv-exclusive: several networks run on the Arm core alone: not with several "
            "networks (leave it out)",
        ),
        (
            ("--fast-fifo",),
            "--fast-fifo: needs the RISC-V core [O2] (give --riscv, or use --fifo)",
        ),
        (
            ("--input-offset", "0"),
            "--input-offset: changes one network, and does not say which: not with several "
            "networks (say it in its description, or synthesize that network alone)",
        ),
        (
            ("--api-filename", "net.c"),
            "--api-filename: the files of several networks are named after them: not with several "
            "networks (leave it out)",
        ),
    ],
)
def test_options_that_several_networks_cannot_be_given(files, option, message):
    assert refused("near.yaml", "far.yaml", *option) == [message]


def test_a_checkpoint_for_one_of_two(files):
    assert refused("near.yaml", "far.yaml", "--checkpoint-file", "q.pth.tar") == [
        "--checkpoint-file: given 1 times for 2 networks (give it once for each, in the order "
        "near, far; or not at all)"
    ]


def test_everything_wrong_with_the_command_line_is_said_once(files):
    found = refused("near.yaml", "near.yaml", "--boost", "9", "--energy", "--prefix", "a b")
    assert len(found) == 4
    assert any("--boost" in problem for problem in found)


def test_everything_wrong_with_all_networks_is_said(files):
    (files / "checkpoints" / "near-q.pth.tar").unlink()
    (files / "far.yaml").write_text("arch: tiny\ndataset: tiny\nlayers:\n  - {colour: red}\n")
    found = refused("near.yaml", "far.yaml", "none.yaml")
    assert any("checkpoints/near-q.pth.tar" in problem for problem in found)
    assert any("far.yaml:4" in problem for problem in found)
    assert any("none.yaml" in problem for problem in found)


@pytest.mark.parametrize("name", ["build", "Makefile"])
def test_names_of_what_every_firmware_has_are_taken(files, name):
    assert refused(f"{name}=near.yaml", "far.yaml") == [
        f"near.yaml: C functions and a folder cannot be called after '{name}' "
        "(name it: NAME=near.yaml)"
    ]


@pytest.mark.long
def test_files_of_other_networks_would_be_compiled_too(files):
    told("near.yaml", "far.yaml", "--prefix", "app")
    told("near.yaml", "far.yaml", "--prefix", "app", "--overwrite")
    why = "build/app: holds other networks, whose files would stay: "
    fix = " [O6] (remove it, or give another --prefix)"
    again = ("--prefix", "app", "--overwrite")
    assert refused("near.yaml", "wide.yaml", *again) == [f"{why}far{fix}"]
    assert refused("near.yaml", *again) == [f"{why}far, near{fix}"]
    told("near.yaml", "--prefix", "one")
    assert refused("near.yaml", "far.yaml", "--prefix", "one", "--overwrite") == [
        f"build/one: holds a project of one network, whose files would stay{fix}"
    ]


def test_networks_that_the_flash_cannot_hold(files, monkeypatch):
    """One alone fits, two do not: kernels of either are copied from the flash."""
    monkeypatch.setattr("synthesis.emit.flash_size.CODE_BYTES", 300_000)
    error = CliRunner().invoke(synthesize, ("near.yaml", "far.yaml"), standalone_mode=False)
    assert isinstance(error.exception, CapacityError)
    assert not isinstance(error.exception, ProblemList)
    assert str(error.exception).startswith("near-far: the networks without their tests need about ")
