"""The compiler for Python: files or values in, and a machine that predicts bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import synthesis
from max78000.errors import CapacityError, InputError, ProblemList
from max78000.facts.fixed import AS_BYTES
from max78000.program.layer_dump import first_difference, read_dump
from max78000.program.layer_table import LAYERS_FILE, read_layers
from max78000.program.program import from_json
from networks import (
    Net,
    checkpoint_of,
    compile_net,
    image_of,
    network_of,
    sizes,
    write_files,
)
from synthesis import compile_network
from synthesis.emit.options import FileNames, ProjectOptions
from synthesis.generate.options import ProgramOptions
from synthesis.read.source import InputPath

PLAIN = Net(
    "{name: a, op: conv2d, pad: 1, activate: ReLU, output_shift: -3}\n"
    "{name: b, op: conv2d, pad: 1, max_pool: 2, pool_stride: 2, output_shift: -4}",
    "6x3x3x3 70x6x3x3",
    "3x8x6",
    bias=3,
)
NETS = {
    "plain": PLAIN,
    "two outputs": Net(
        "{name: a, op: conv2d, pad: 1, activate: ReLU, output_shift: -3}\n"
        "{name: b, in_sequences: a, op: conv2d, pad: 1, output: true, output_shift: -4}\n"
        "{name: c, in_sequences: a, op: conv2d, kernel_size: 1x1, pad: 0, output_width: 32}",
        "6x3x3x3 5x6x3x3 7x6x1x1",
        "3x8x6",
    ),
    "chw": Net("{op: conv2d, pad: 1, data_format: CHW, output_shift: -3}", "4x1x3x3", "1x7x5"),
    "many channels": Net("{op: conv2d, pad: 1, output_shift: -6}", "4x130x3x3", "130x3x3"),
    "signal": Net("{op: conv1d, kernel_size: 3, pad: 1, output_shift: -3}", "5x4x3", "4x12"),
    "linear": Net("{op: linear, flatten: true, output_width: 32}", "9x48", "3x4x4"),
    "sum": Net("{op: none, eltwise: add, operands: 2}", image="6x4x4"),
    "rolling": Net(
        "{op: none, name: copy}\n{op: none, in_sequences: past, buffer_shift: 1}\n"
        "{op: conv2d, pad: 0, in_sequences: copy, buffer_insert: 1}\n"
        "{op: none, in_sequences: past}",
        "8x2x3x3",
        "2x3x3",
        sections="data_buffer: [{name: past, processors: 0xff, channels: 8, dim: 5, "
        "offset: 0x2000}]\n",
    ),
    "streamed": Net(
        "{op: conv2d, pad: 1, activate: ReLU, streaming: true, processors: 0x7,"
        " out_offset: 0x2000}\n"
        "{op: conv2d, pad: 1, streaming: true, processors: 0x1f, output_processors: 0x3,"
        " out_offset: 0x6000}",
        "5x3x3x3 2x5x3x3",
        "3x12x10",
        input_path=InputPath.FIFO,
    ),
}


def network_from(net):
    return compile_network(
        network_of(net), checkpoint_of(net), image_of(net), input_path=net.input_path
    )


NETWORKS = {name: network_from(net) for name, net in NETS.items()}
LOADED = {name: (network, network.machine()) for name, network in NETWORKS.items()}


def pictures(net, count):
    shape = (*sizes(net.image), 1)[:3]
    return np.random.default_rng(7).integers(-128, 128, (count, *shape)).astype(np.int8)


def refusal(work, *arguments, **named):
    with pytest.raises(InputError) as caught:
        work(*arguments, **named)
    return str(caught.value)


def equal(one, other):
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def test_the_package_offers_what_people_need():
    assert set(synthesis.__all__) == {"CompiledNetwork", "InputPath", "compile_network"}


def test_files_and_values_give_the_same_network(tmp_path):
    paths = write_files(tmp_path, PLAIN)
    by_files = compile_network(*map(str, paths), ProgramOptions("tiny"))
    by_paths = compile_network(*paths, options=ProgramOptions("tiny"))
    by_values = compile_network(
        network_of(PLAIN), checkpoint_of(PLAIN), image_of(PLAIN), ProgramOptions("tiny")
    )
    expected = compile_net(PLAIN)
    assert by_files.program == by_paths.program == by_values.program == expected.program
    assert by_files.report.cycles == expected.program.cycles
    assert list(by_files.layers) == ["a", "b"]
    assert equal(tuple(by_files.layers.values()), expected.results)


def test_defaults_are_those_of_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("checkpoints", "networks", "networks/samples"):
        (tmp_path / folder).mkdir()
    network, checkpoint, sample = write_files(tmp_path, PLAIN)
    network.rename("networks/tiny.yaml")
    with pytest.raises(
        ProblemList, match=r"tiny-q.pth.tar: no such.*\n.*samples/tiny.npy: no such"
    ):
        compile_network("networks/tiny.yaml")
    checkpoint.rename("checkpoints/tiny-q.pth.tar")
    assert "samples/tiny.npy: no such file" in refusal(compile_network, "networks/tiny.yaml")
    sample.rename("networks/samples/tiny.npy")
    assert compile_network("networks/tiny.yaml").program.name == "tiny"


@pytest.mark.parametrize("name", NETS)
def test_predictions_are_the_interpreters(name):
    network, machine = LOADED[name]
    for picture in pictures(NETS[name], 4):
        assert equal(machine.predict(picture), network.interpret(picture))


@pytest.mark.long
@given(st.lists(st.sampled_from(range(3)), max_size=4), st.sampled_from(sorted(NETS)))
def test_no_prediction_depends_on_the_one_before(order, name):
    _, machine = LOADED[name]
    drawn = pictures(NETS[name], 3)
    first = [machine.predict(picture) for picture in drawn]
    for index in order:
        assert equal(machine.predict(drawn[index]), first[index])


def test_outputs_have_the_order_of_the_program():
    network, machine = LOADED["two outputs"]
    b, c = machine.predict(image_of(NETS["two outputs"]))
    assert [output.name for output in network.program.outputs] == ["b", "c"]
    assert (b.shape, c.shape) == ((5, 8, 6), (7, 8, 6))
    assert np.array_equal(b, network.layers["b"])
    assert np.array_equal(c, network.layers["c"])
    assert b.dtype == c.dtype == np.int64


@pytest.mark.parametrize("name", NETS)
def test_every_layer_of_the_accelerator_is_the_interpreters(name):
    network, machine = LOADED[name]
    found = machine.layers(network.table)
    assert first_difference(network.layers, found) is None
    assert len(found) == len(network.layers) - (name == "streamed")  # of a ring nothing remains
    other = pictures(NETS[name], 1)[0]
    last = list(found)[-1]
    assert np.array_equal(machine.layers(network.table, other)[last], machine.predict(other)[-1])


def test_lists_and_signals_are_taken():
    network, machine = LOADED["signal"]
    signal = pictures(NETS["signal"], 1)[0][:, :, 0]
    assert equal(machine.predict(signal), machine.predict(signal[:, :, None]))
    assert equal(machine.predict(signal.tolist()), network.interpret(signal))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda x: x / 128,
            f"x: holds float64, the accelerator takes integers ({AS_BYTES})",
        ),
        (lambda x: x > 0, "x: holds bool, the accelerator takes integers"),
        (lambda x: x[None], "x: has shape (1, 3, 8, 6) (give one input"),
        (lambda x: x + np.int64(128), "are not in -128..127 (subtract 128 from pixels)"),
    ],
)
def test_other_numbers_are_refused(spoil, message):
    network, machine = LOADED["plain"]
    picture = spoil(pictures(PLAIN, 1)[0])
    assert message in refusal(machine.predict, picture)
    assert message in refusal(network.interpret, picture)


def test_other_shapes_are_refused():
    network, machine = LOADED["plain"]
    picture = pictures(PLAIN, 1)[0][:, :7]
    assert "the input is 3x7x6, layer 0 reads 3x8x6" in refusal(machine.predict, picture)
    assert "x: is 3x7x6, the network takes 3x8x6" in refusal(network.interpret, picture)
    _, flat = LOADED["linear"]
    assert "layer 0 reads" in refusal(flat.predict, pictures(NETS["linear"], 1)[0][:, :3])


def test_a_sample_of_real_numbers_is_refused():
    picture = image_of(PLAIN) / 128
    message = refusal(compile_network, network_of(PLAIN), checkpoint_of(PLAIN), picture)
    assert message.startswith("sample: holds float64, the accelerator takes integers")
    assert "astype(np.int8)" in message


@pytest.mark.long
def test_violations_are_those_of_the_compiler():
    large = Net("{op: conv2d, pad: 1}\n{op: conv2d, pad: 1}", "1024x2x3x3 1024x1024x3x3")
    with pytest.raises(CapacityError) as caught:
        network_from(large)
    assert caught.value.rule


def test_a_project_is_written_whole(tmp_path):
    network = compile_network(*write_files(tmp_path, PLAIN))
    folder = network.write(tmp_path / "made" / "tiny")
    program = from_json((folder / "program.json").read_text())
    assert program == network.program
    assert read_layers(folder) == network.table
    assert "check_output" in (folder / "main.c").read_text()
    assert "exists already" in refusal(network.write, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    network.write(folder, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_layer_checks_change_the_main_file_alone(tmp_path):
    network = compile_network(*write_files(tmp_path, PLAIN))
    plain, checks = network.write(tmp_path / "a"), network.write(tmp_path / "b", layer_checks=True)
    changed = [p.name for p in plain.iterdir() if (checks / p.name).read_bytes() != p.read_bytes()]
    assert changed == ["main.c"]
    text = (checks / "main.c").read_text()
    for entry in network.table.entries:
        assert f"0x{entry.checksum:08x}" in text
    assert LAYERS_FILE in {path.name for path in checks.iterdir()}
    without_api = ProjectOptions(names=FileNames(api=None))
    message = refusal(network.write, tmp_path / "c", without_api, layer_checks=True)
    assert "--api-filename" in message
    assert not (tmp_path / "c").exists()


def test_what_was_never_in_a_file_has_no_hash(tmp_path):
    network, _ = LOADED["plain"]
    assert "net.yaml: is no file" in refusal(network.write, tmp_path / "tiny")
    assert not (tmp_path / "tiny").exists()


def test_layers_are_saved_for_others(tmp_path):
    network, machine = LOADED["two outputs"]
    network.save_layers(tmp_path / "interpreter.npz")
    saved = read_dump(tmp_path / "interpreter.npz")
    assert list(saved) == ["a", "b", "c"]
    assert first_difference(saved, machine.layers(network.table)) is None
