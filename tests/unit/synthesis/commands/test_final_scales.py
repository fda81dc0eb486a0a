"""`synthesize` on files of the second generation of training: what is said, and where."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from max78000.commands.main import main as max78000
from max78000.machine.predict import LoadedMachine
from max78000.program.program import from_json
from networks import Net, write_files
from synthesis import compile_network
from synthesis.commands.synthesize import synthesize
from synthesis.emit.options import ProjectOptions

NET = Net(
    "{name: first, op: conv2d, activate: ReLU}\n"
    "{name: last, op: linear, flatten: true, output_shift: -6}",
    "4x2x3x3 3x144", bias=2, scales="1 3",
)  # fmt: skip
COARSE = "--softmax of bytes is coarse"


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path, NET)


@pytest.fixture
def run(files, tmp_path):
    network, checkpoint, sample = map(str, files)

    def run(*args):
        given = (network, "--checkpoint-file", checkpoint, "--sample-input", sample)
        where = ("--test-dir", str(tmp_path / "out"), "--overwrite")
        result = CliRunner().invoke(synthesize, [*given, *where, *args], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result

    return run


def test_outputs_are_scaled_unless_told_otherwise(run, tmp_path):
    folder = tmp_path / "out" / "tiny"
    assert "O11" not in run().stderr
    scaled = (folder / "cnn.c").read_text()
    assert "// Final scales of outputs, by layer: {1: 3}\n// cnn_unload() multiplies by" in scaled
    assert "unload_bytes_to_16((int16_t *)(out_buf32 + 0), blocks + 0, 1, 3);" in scaled
    answer = (folder / "sampleoutput.h").read_text()
    said = run("--no-scale-output").stderr
    assert "--no-scale-output: real values are two to the power" in said
    assert "[O11] (last: 3)" in said
    plain = (folder / "cnn.c").read_text()
    assert "// cnn_unload() does not multiply by two to the power of these." in plain
    assert "unload_bytes_to_8((int8_t *)(out_buf32 + 0), blocks + 0, 1);" in plain
    assert (folder / "sampleoutput.h").read_text() == answer


def test_scaled_bytes_are_fine_enough_for_a_softmax(run):
    assert COARSE not in run("--softmax").stderr
    assert COARSE in run("--softmax", "--no-scale-output").stderr


def test_the_report_says_the_scale(run):
    report = json.loads(run("--check", "--json").stdout)
    assert [one["final_scale"] for one in report["sample"]["outputs"]] == [3]
    assert report["sample"]["input"]["final_scale"] == 0


def test_python_is_told_the_scale(files, tmp_path):
    network = compile_network(*files)
    assert network.final_scales == (3,)
    sample = np.load(files[2])
    (stored,) = network.machine().predict(sample)
    assert np.array_equal(stored, network.interpret(sample)[0])
    folder = network.write(tmp_path / "p", ProjectOptions(scales_outputs=False))
    assert "unload_bytes_to_8" in (folder / "cnn.c").read_text()
    text = (folder / "program.json").read_text()
    assert from_json(text) == network.program
    assert [output.final_scale for output in LoadedMachine(from_json(text)).program.outputs] == [3]


def test_simulate_shows_scaled_values(run, files, tmp_path, monkeypatch, capsys):
    run()
    (stored,) = compile_network(*files).interpret(np.load(files[2]))
    project, sample = str(tmp_path / "out" / "tiny"), str(files[2])

    def simulate(*args):
        monkeypatch.setattr(sys, "argv", ["max78000", "simulate", project, *args])
        with pytest.raises(SystemExit):
            max78000()
        return capsys.readouterr().out

    shown = simulate("--input", sample)
    low, high = 8 * stored.min(), 8 * stored.max()
    assert f"layer 1 last 3x1x1 8 bit times 2^3: {low} to {high}\n" in shown
    assert f"  channel {stored.argmax()}: {high}\n" in shown
    (output,) = json.loads(simulate("--input", sample, "--json"))["outputs"]
    assert (output["final_scale"], output["values"]) == (3, stored.tolist())
