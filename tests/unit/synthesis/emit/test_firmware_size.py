"""Flash and RAM in the report: the sums of their parts, and what the options leave out."""

from dataclasses import replace

import pytest

from max78000.facts.chip import MAX78000
from networks import Net, compile_net
from synthesis.emit.firmware_size import report_firmware
from synthesis.emit.options import ProjectOptions

NET = Net("{name: a}\n{op: linear, flatten: true, output_width: 32}", "4x2x3x3 3x144", bias=1)
OPTIONS = ProjectOptions()


@pytest.fixture(scope="module")
def compiled():
    return compile_net(NET)


def sizes(parts):
    return {part.name: part.size_bytes for part in parts}


def test_parts_add_up(compiled):
    found = report_firmware(compiled, OPTIONS, MAX78000)
    assert set(sizes(found.flash_parts)) == {
        "weights", "biases", "sample input", "known answer", "code",
    }  # fmt: skip
    assert found.flash.used == sum(sizes(found.flash_parts).values())
    assert found.ram.used == sum(sizes(found.ram_parts).values())
    assert (found.flash.available, found.ram.available) == (512 * 1024, 128 * 1024)


def test_the_unload_buffer_is_three_words(compiled):
    found = report_firmware(compiled, OPTIONS, MAX78000)
    assert sizes(found.ram_parts)["unload buffer"] == 12


def test_what_is_left_out_takes_nothing(compiled):
    options = replace(OPTIONS, has_kat=False, has_unload=False)
    found = report_firmware(compiled, options, MAX78000)
    assert "known answer" not in sizes(found.flash_parts)
    assert "unload buffer" not in sizes(found.ram_parts)


def test_steps_behind_the_layers_take_ram():
    steps = "finish:\n- {op: softmax, dim: 0}\n"
    compiled = compile_net(replace(NET, sections=steps))
    found = report_firmware(compiled, OPTIONS, MAX78000)
    assert sizes(found.ram_parts)["steps behind the accelerator"] == 12
