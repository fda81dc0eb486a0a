"""Options of which `synthesize` would do nothing are refused, and what is at fault is named."""

import sys

import numpy as np
import pytest

from networks import Net, write_files
from synthesis.commands import synthesize as cli

GIVEN = ("tiny.yaml", "--checkpoint-file", "tiny-q.pth.tar", "--sample-input", "tiny.npy")
NAMES = "letters, digits, _ . + and -"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Run the command beside tiny.yaml; its exit status and what it says on standard error."""
    write_files(tmp_path, Net("{name: first, op: conv2d}", "4x2x3x3"))
    np.save(tmp_path / "arrays.npy", np.zeros((1, 4, 2, 3, 3), np.int8))
    monkeypatch.chdir(tmp_path)

    def said(*words):
        monkeypatch.setattr(sys, "argv", ["synthesize", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, capsys.readouterr().err

    return said


def test_test_weights_are_for_test_networks(said):
    arrays = ("--weight-input", "arrays.npy", "--bias-input", "arrays.npy")
    why = "arrays.npy: is for `arch: test`, and tiny.yaml says `arch: tiny` (leave it out)\n"
    expected = f"synthesize: --weight-input {why}--bias-input {why}"
    assert said(*GIVEN, "--check", *arrays) == (2, expected)


def test_test_weights_beside_a_checkpoint(said, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(path.read_text().replace("arch: tiny", "arch: test"))
    assert said(*GIVEN, "--check", "--weight-input", "arrays.npy") == (
        2,
        "synthesize: --weight-input arrays.npy: is not read, as the weights of tiny-q.pth.tar are "
        "(leave it out)\n",
    )
    assert said("tiny.yaml", *GIVEN[3:], "--check", "--weight-input", "arrays.npy") == (0, "")


@pytest.mark.parametrize("option", ["--variants", "--json"])
def test_a_stage_is_printed_alone(option, said):
    assert said(*GIVEN, "--show", "graph", option) == (
        2,
        f"synthesize: --show: prints a stage, and not what {option} says (leave it or {option} "
        "out)\n",
    )


def test_a_description_whose_name_is_none_for_a_project(said, tmp_path):
    (tmp_path / "tiny.yaml").rename(tmp_path / "my net.yaml")
    words = ("my net.yaml", *GIVEN[1:], "--check")
    assert said(*words) == (
        2,
        "synthesize: my net.yaml: 'my net' is no name for a project (give --prefix with one of "
        f"{NAMES})\n",
    )
    assert said(*words, "--prefix", "my_net") == (0, "")
