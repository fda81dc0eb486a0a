"""The teacher does not fit the chip at 8 bits: the refusal gives numbers, and its advice works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_checkpoint

ROOT = Path(__file__).resolve().parents[2]
FLOAT = ROOT / "checkpoints" / "pose_student.pth.tar"
SAMPLE = ROOT / "networks" / "samples" / "pose_tiny.npy"  # both networks see the same pictures


def synthesize(checkpoint, folder, *options):
    command = [
        Path(sys.executable).with_name("synthesize"), ROOT / "networks" / "pose_student.yaml",
        "--checkpoint-file", checkpoint, "--sample-input", SAMPLE, "--test-dir", folder, *options,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture(scope="module")
def refusal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    quantize_checkpoint(FLOAT, folder / "8bit.pth.tar")
    result = synthesize(folder / "8bit.pth.tar", folder)
    assert not (folder / "pose_student").exists()
    return result


def test_it_is_refused_with_numbers(refusal):
    assert refusal.returncode == 3
    assert "weights need 660,384 bytes of 442,368" in refusal.stderr
    assert "processor 0 needs 1379 of 768 kernel words" in refusal.stderr
    assert "[C12]" in refusal.stderr
    assert "Traceback" not in refusal.stderr


def test_the_advice_fits(refusal, tmp_path):
    bits, names = re.search(r"\(use (\d)-bit weights in (.*)\)", refusal.stderr).groups()
    narrow = dict.fromkeys(names.split(", "), int(bits))
    quantize_checkpoint(FLOAT, tmp_path / "narrow.pth.tar", QuantizeOptions(weight_bits=narrow))
    result = synthesize(tmp_path / "narrow.pth.tar", tmp_path, "--check")
    assert result.returncode == 0, result.stderr
    assert "OK: fits" in result.stdout
