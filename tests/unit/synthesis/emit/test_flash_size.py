"""The flash budget: counted before a compiler is asked, and close to what it then makes."""

import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from max78000.errors import CapacityError
from max78000.facts.chip import MAX78000
from max78000.facts.memory_map import FLASH_BYTES
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_zig
from networks import Net, compile_net, write_files
from synthesis.commands.synthesize import synthesize
from synthesis.emit.flash_size import check_flash, check_parts, flash_parts
from synthesis.emit.options import ProjectOptions

RUN = {"standalone_mode": False}
# 64 channels of 88 x 88 pixels: 495,616 bytes in data memory, so much sample and so much answer.
LARGE = Net("{op: none, max_pool: 1}", image="64x88x88")


def test_parts_are_counted():
    program = compile_net(Net("{}", "4x2x3x3", "2x5x5", bias=3)).program
    parts = flash_parts(program, ProjectOptions())
    assert parts["biases"] >= 4
    assert parts["the sample input"] == 4 * (25 + 2)
    assert parts["the known answer"] == 4 * (25 + 3)
    assert flash_parts(program, ProjectOptions(has_kat=False))["the known answer"] == 0


def test_an_answer_that_does_not_fit_is_a_warning_with_a_way_out():
    program = compile_net(LARGE).program
    (warning,) = check_flash(program, ProjectOptions(), MAX78000, "net.yaml")
    assert re.fullmatch(
        r"net.yaml: the known-answer test needs about 991,\d{3} bytes of flash, the network leaves "
        r"511,\d{3} of 524,288: the sample input 495,\d{3}, the known answer 495,\d{3} \[O9\] "
        r"\(--no-kat saves 495,\d{3} bytes, --max-checklines most of them\)",
        warning,
    )
    assert check_flash(program, ProjectOptions(has_kat=False), MAX78000) == ()


def test_a_sample_that_does_not_fit_is_a_warning_with_a_way_out():
    """The same network on a part with half the flash."""
    program = compile_net(LARGE).program
    half = replace(MAX78000, flash_bytes=MAX78000.flash_bytes // 2)
    (warning,) = check_flash(program, ProjectOptions(has_kat=False), half, "net.yaml")
    assert re.fullmatch(
        r"net.yaml: the sample needs about 495,\d{3} bytes of flash, the network leaves 249,\d{3} "
        r"of 262,144: the sample input 495,\d{3} \[O9\] \(--fixed-input saves 495,\d{3} bytes; an "
        r"application brings its own input\)",
        warning,
    )
    (both,) = check_flash(program, ProjectOptions(), half)
    assert "(--no-kat --fixed-input saves 991," in both
    options = ProjectOptions(has_kat=False, has_fixed_input=True)
    assert check_flash(program, options, half) == ()


def test_a_network_that_does_not_fit_is_refused():
    program = compile_net(Net("{}", "64x64x3x3", "64x8x8")).program
    small = replace(MAX78000, flash_bytes=32_768)
    with pytest.raises(CapacityError) as refusal:
        check_flash(program, ProjectOptions(), small, "net.yaml")
    assert re.fullmatch(
        r"net.yaml: the network alone needs about 4\d,\d{3} of 32,768 bytes of flash: weights "
        r"37,\d{3}, code \d\d,\d{3} \[O9\] \(use narrower weights \(`quantization: 4`\)\)",
        str(refusal.value),
    )


def test_several_networks_are_told_what_they_can_be_given():
    parts = flash_parts(compile_net(LARGE).program, ProjectOptions())
    (warning,) = check_parts(parts, MAX78000, "app", of_several=True)
    assert warning.endswith(
        "(--max-checklines saves most of them; an application leaves the tests out)"
    )
    half = replace(MAX78000, flash_bytes=MAX78000.flash_bytes // 2)
    (warning,) = check_parts(parts, half, "app", of_several=True)
    assert "(--max-checklines --fixed-input saves most of them" in warning


def test_the_command_warns(tmp_path):
    network, checkpoint, sample = write_files(tmp_path, LARGE)
    given = [str(network), "--checkpoint-file", str(checkpoint), "--sample-input", str(sample)]
    result = CliRunner().invoke(synthesize, [*given, "--check"], **RUN)
    assert result.exit_code == 0
    assert "bytes of flash" in result.stderr


@pytest.mark.long
@pytest.mark.skipif(find_zig() is None, reason="ziglang is not installed (pip install ziglang)")
def test_the_estimate_is_on_the_safe_side(tmp_path):
    net = Net("{}\n{}", "16x3x3x3 8x16x3x3", "3x24x24", bias=1)
    network, checkpoint, sample = write_files(tmp_path, net)
    given = [str(network), "--checkpoint-file", str(checkpoint), "--sample-input", str(sample)]
    result = CliRunner().invoke(synthesize, [*given, "--test-dir", str(tmp_path / "out")], **RUN)
    assert result.exception is None, result.exception
    image = build_project(tmp_path / "out" / "tiny", find_zig())
    estimate = sum(flash_parts(compile_net(net).program, ProjectOptions()).values())
    assert image.flash_bytes <= estimate <= image.flash_bytes + 8_000
    assert MAX78000.flash_bytes == FLASH_BYTES
