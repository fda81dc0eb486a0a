"""From the words of the command line to what they change: program, project, network, files."""

import json
import shutil
import sys

import pytest

from networks import Net, write_files
from synthesis.commands import options as cli_options
from synthesis.commands import request
from synthesis.commands import synthesize as cli

NET = Net(
    "{name: first, op: conv2d, activate: ReLU}\n{name: last, op: linear, flatten: true}",
    "4x2x3x3 3x144", bias=2,
)  # fmt: skip
GIVEN = ("tiny.yaml", "--checkpoint-file", "tiny-q.pth.tar", "--sample-input", "tiny.npy")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_files(folder, NET)
    return folder


@pytest.fixture
def run(originals, tmp_path, monkeypatch, capsys):
    """Run the command on files of its own; returns exit status, errors, and what was written."""
    shutil.copytree(originals, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["synthesize", *GIVEN, *args])
        with pytest.raises(SystemExit) as end:
            cli.main()
        written = {path.name: path.read_text() for path in tmp_path.glob("build/tiny/*")}
        return end.value.code, capsys.readouterr().err, written

    return run


# fmt: off
TEXTS = [
    # options                            file            what it then holds
    ("--timer 2 --no-timer",             "cnn.h",      "! CNN_INFERENCE_TIMER"),
    ("--debugwait 0",                    "main.c",     "MXC_Delay(SEC(0));"),
    ("--no-wfi",                         "main.c",     "! MXC_LP_EnterSleepMode"),
    ("--no-mexpress",                    "cnn.c",      "four words make a kernel word"),
    ("--no-mexpress --compact-weights",  "cnn.c",      "three words make a kernel word"),
    ("--compact-weights",                "cnn.c",      "the byte write sets where"),
    ("--mexpress",                       "cnn.c",      "the byte write sets where"),
    ("--no-compact-data",                "main.c",     "*(volatile uint32_t *)0x50400000 = 0x"),
    ("--fixed-input",                    "main.c",     "memcpy32_const((uint32_t *)0x50400000"),
    ("--fixed-input",                    "sampledata.h", "0x55555555, 0xaaaaaaaa,"),
    ("--verify-kernels",                 "main.c",     "require(cnn_verify_weights());"),
    ("--verify-writes",                  "cnn.c",      "    SET(0x5010"),
    ("--write-zero-registers",           "cnn.c",      "= 0x00000000; /* STREAM1: 0 */"),
    ("--zero-sram",                      "cnn.c",      "/* SRAM_TEST: sram_done done */"),
    ("--powerdown",                      "cnn.c",      "/* AON: pd=14 */"),
    ("--ready-sel 3",                    "cnn.c",      "/* CTL: rdy_sel=3 clk_en=1 mexpress=1 "),
    ("--ready-sel-aon 1",                "cnn.c",      "/* AON: rdy_sel=1 */"),
    ("--fifo --ready-sel-fifo 2",        "cnn.c",      "/* FIFO_CTL: rdy_sel=2 "),
    ("--fifo --no-fifo-wait",            "main.c",     "! *status"),
    ("--fifo --fixed-input",             "main.c",     "= input_0[i];"),
    ("--fifo --fixed-input",             "sampledata.h", "! 0x55555555, 0xaaaaaaaa"),
    ("--fifo --slow-load 30",            "main.c",     "MXC_Delay(30);"),
    ("--clock-divider 8",                "main.c",     "MXC_S_GCR_PCLKDIV_CNNCLKDIV_DIV8"),
    ("--switch-delay 4",                 "cnn.c",      "MXC_Delay(MSEC(4));"),
    ("--boost 2.31",                     "main.c",     "cnn_boost_enable(MXC_GPIO2, 1u << 31)"),
    ("--energy",                         "main.c",     "#define ENERGY_RUNS 100"),
    ("--forever",                        "main.c",     "! cnn_disable"),
    ("--board-name FTHR_RevA",           "project.mk",   "BOARD ?= FTHR_RevA"),
    ("--define A=1",                     "project.mk",   "-DMXC_ASSERT_ENABLE -DA=1\n"),
    ("--softmax",                        "main.c",     "softmax_q7_q15((const int8_t *)ml_data32"),
    ("--softmax --output-width 32",      "main.c",     "softmax_q17p14_q15((q31_t *)ml_data"),
    ("--softmax --no-unload",            "cnn.c",      "int cnn_unload(uint32_t *out_buf32)"),
    ("--no-unload",                      "cnn.c",      "! int cnn_unload("),
    ("--stop-after 0 --mlator",          "cnn.c",      "static void gather("),
    ("--api-filename none",              "main.c",     "int cnn_init(void)\n{"),
    ("--sample-output-filename None",    "main.c",     "#define SAMPLE_OUTPUT {"),
    ("--weight-filename kernels",        "kernels.h",    "#define KERNELS"),
    ("--sample-filename in.h",           "main.c",     '#include "in.h"'),
    ("--c-filename app",                 "app.c",      "int main(void)"),
    ("--no-bias",                        "weights.h",    "! BIAS_0"),
    ("--no-bias=0 --no-kat",             "weights.h",    "BIAS_0"),
    ("--input-offset 0x100",             "main.c",     "(uint32_t *)0x50400100"),
]
REFUSED = [
    # options                            exit status and message
    ("--boost 4.0",                      2, "--boost: '4.0' is no pin (give port and pin, such"),
    ("--boost 2.32",                     2, "--boost: '2.32' is no pin"),
    ("--define A;B",                     2, "--define: 'A;B' cannot be written to project.mk"),
    ("--board-name $(HOME)",             2, "--board-name: '$(HOME)' cannot be written"),
    ("--c-filename a/b.c",               2, "--c-filename: 'a/b.c' is no file name (give NAM"),
    ("--c-filename none",                0, ""),
    ("--weight-filename cnn.h",          2, "--weight-filename: cnn.h is also a file of the"),
    ("--c-filename CNN",                 2, "--api-filename: cnn.c is also a file of --c-filen"),
    ("--sample-filename weights.h",      2, "--sample-filename: weights.h is also a file of --w"),
    ("--no-bias net.yaml",               2, "--no-bias: 'net.yaml' is no list of layers"),
    ("--streaming-layers 0,x",           2, "--streaming-layers: '0,x' is no list of layers"),
    ("--stop-after 2",                   2, "--stop-after: 2, there are 2 layers (give 0..1)"),
    ("--ignore-streaming --streaming-layers 0", 2, "[S1]"),
]
WARNED = [
    ("--softmax",              "last: --softmax of bytes is coarse: 1 more is twice"),
    ("--energy --timer 0",     "--timer is ignored with --energy [O5] (leave one of them out)"),
    ("--fifo --fixed-input",   "--fixed-input is ignored with --fifo [O10] (leave one of them"),
    ("--mlator",               "layer 1 last: --mlator is ignored, 1 pixels are no multiple"),
]
SILENT = ("--energy", "--energy --timer 0 --no-timer", "--mlator --ignore-mlator-warning",
          "--mlator --stop-after 0", "--softmax --output-width 32")
# fmt: on


@pytest.mark.parametrize(("words", "name", "text"), TEXTS)
def test_what_an_option_changes(run, words, name, text):
    status, err, written = run(*words.split())
    assert status == 0, err
    wanted = not text.startswith("! ")
    assert (text.removeprefix("! ") in written[name]) == wanted


@pytest.mark.parametrize(("words", "status", "message"), REFUSED)
def test_what_is_refused(run, words, status, message):
    found, err, written = run(*words.split())
    assert found == status
    assert message in err
    assert bool(written) == (status == 0)


@pytest.mark.parametrize(("words", "message"), WARNED)
def test_what_is_warned_of(run, words, message):
    status, err, _ = run(*words.split(), "--check")
    assert status == 0
    assert err.startswith("warning: ")
    assert message in err


@pytest.mark.parametrize("words", SILENT)
def test_what_is_not_worth_a_warning(run, words):
    assert run(*words.split(), "--check")[:2] == (0, "")


def test_numbers_are_read_in_any_base():
    assert [cli_options.integer(text) for text in ("10", "0x10", "-3")] == [10, 16, -3]
    assert request.layer_list("0,12", "") == (0, 12)
    assert request.layer_list("", "") == ()


def test_the_program_file_holds_every_kind_of_operation(run):
    """What the simulator reads: waits and checks of the self test, plain kernels."""
    _, _, written = run("--zero-sram", "--no-mexpress")
    phases = {p["name"]: p["operations"] for p in json.loads(written["program.json"])["phases"]}
    assert {operation["op"] for operation in phases["init"]} == {"write", "poll", "require"}
    assert {operation["op"] for operation in phases["load_weights"]} == {"copy"}
