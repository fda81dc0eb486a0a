"""The command line: what it prints, where, and with which exit status."""

import gzip
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from hand_made import CHIP, Case

from max78000.commands import main as cli
from max78000.errors import InternalError
from max78000.program.program import Copy, KernelBlock, Write, to_json
from networks import Net, compile_net

VERBS = {verb.name: verb for verbs in cli.cli.tables.values() for verb in verbs}
CASE = Case(
    np.arange(-24, 24).reshape(1, 3, 4, 4), np.arange(-50, 58).reshape(4, 3, 3, 3), pad=(1, 1)
)


def save(folder, program):
    (folder / "program.json").write_text(to_json(program, CHIP))
    return str(folder)


def wrong():
    program = CASE.program()
    first, *others = program.known_answer
    other = replace(first, words=(first.words[0] ^ 1,))
    return replace(program, known_answer=(other, *others))


def run(*args):
    return CliRunner().invoke(cli.cli, args)


def run_main(monkeypatch, *args):
    monkeypatch.setattr("sys.argv", ["max78000", *args])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_simulate_passes(tmp_path):
    result = run("simulate", save(tmp_path, CASE.program()))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines == ["ran 157 cycles, 0.0031 ms at 50 MHz", "PASS"]


def test_simulate_takes_the_file_itself(tmp_path):
    save(tmp_path, CASE.program())
    assert run("simulate", str(tmp_path / "program.json")).exit_code == 0


def test_simulate_verbose_has_a_line_per_layer(tmp_path):
    result = run("simulate", save(tmp_path, CASE.program()), "--verbose")
    first = " ".join(result.stdout.splitlines()[0].split())
    assert first == "layer 0 4x4, convolution 3x3 8 bit -> 4x4 156 cycles"


def test_simulate_fails_with_the_place(tmp_path):
    result = run("simulate", save(tmp_path, wrong()))
    assert result.exit_code == 1
    last = result.stdout.splitlines()[-1]
    assert last.startswith("FAIL layer 0 out channel 0 row 0 column 0, 0x50404000 lane 0")


def test_simulate_json(tmp_path):
    report = json.loads(run("simulate", save(tmp_path, wrong()), "--json").stdout)
    assert report["result"] == "FAIL"
    assert report["cycles"] == 157
    assert report["layers"] == [{"layer": "4x4, convolution 3x3 8 bit -> 4x4", "cycles": 156}]
    assert "channel 0 row 0 column 0" in report["mismatch"]


def test_simulate_another_input(tmp_path):
    other = np.arange(24, -24, -1).reshape(3, 4, 4)
    program, picture = save(tmp_path, CASE.program()), tmp_path / "other.npy"
    np.save(picture, other.astype(np.int8))
    lines = run("simulate", program, "--input", str(picture)).stdout.splitlines()
    report = json.loads(run("simulate", program, "--input", str(picture), "--json").stdout)
    wanted = Case(other[None], CASE.weights, pad=(1, 1)).answer()
    (output,) = report["outputs"]
    np.testing.assert_array_equal(output["values"], wanted)
    assert report["cycles"] == 157
    assert lines[0] == "ran 157 cycles, 0.0031 ms at 50 MHz"
    assert lines[-1] == f"layer 0 out 4x4x4 8 bit: {wanted.min()} to {wanted.max()}"


def test_simulate_needs_a_project_or_a_state(tmp_path, monkeypatch, capsys):
    for given in ((), (str(tmp_path), "--state", "state.json")):
        assert run_main(monkeypatch, "simulate", *given) == 2
        assert "give a DIRECTORY or --state FILE" in capsys.readouterr().err


def test_simulate_without_a_known_answer(tmp_path, monkeypatch, capsys):
    folder = save(tmp_path, replace(CASE.program(), known_answer=()))
    assert run_main(monkeypatch, "simulate", folder) == 2
    assert capsys.readouterr().err == "max78000: hand-made: there is no known answer to check\n"


def test_a_fault_is_one_message(tmp_path, monkeypatch, capsys):
    program = replace(CASE, changes={("TPTR", quadrant): 0 for quadrant in range(4)}).program()
    assert run_main(monkeypatch, "simulate", save(tmp_path, program)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "max78000: start: layer 0: TPTR gives 1 row buffer entries, the layer needs 4\n"
    )


def test_simulate_says_where_the_report_has_other_cycles(tmp_path):
    program = compile_net(Net("{op: linear, flatten: true}", "1x72", "2x9x4")).program
    result = run("simulate", save(tmp_path, program))
    assert result.stdout.startswith(f"ran {program.cycles.total - 9} cycles")
    assert result.stderr == (
        f"note: report.json has {program.cycles.total} cycles:"
        " no register tells how many rows a layer flattens\n"
    )


def state_of(program):
    """The program as a recorded state."""
    stores: dict[str, dict[str, int]] = {"reg": {}, "aon": {}, "bias": {}, "data": {}, "tram": {}}
    kernels, start = [], []
    for phase in program.phases:
        for op in phase.operations:
            match op:
                case Write(addr, value) if phase.name == "start":
                    start.append([addr, value])
                case Write(addr, value):
                    stores["reg"][f"{addr:x}"] = value
                case KernelBlock(addr, words):
                    kernels.append([addr, list(words)])
                case Copy(addr, words):
                    kind = "data" if phase.name == "load_input" else "bias"
                    stores[kind] |= {f"{addr + 4 * i:x}": word for i, word in enumerate(words)}
    answer = [[x.addr, x.mask, list(x.words)] for x in program.known_answer]
    state = {**stores, "kernel": kernels, "fifo": [], "start": start}
    return {"state": state, "sample_output": answer}


@pytest.mark.parametrize("is_zipped", [True, False])
def test_simulate_a_recorded_state(tmp_path, is_zipped):
    raw = json.dumps(state_of(CASE.program())).encode()
    path = tmp_path / "expected.json"
    path.write_bytes(gzip.compress(raw) if is_zipped else raw)
    result = run("simulate", "--state", str(path))
    assert result.stdout.splitlines()[-1] == "PASS"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "holds no recorded state"),
        (b"[", "cannot be read: Expecting value"),
        (b"\x1f\x8bnonsense", "cannot be read"),
        (b'{"state": {}}', "the recorded state is malformed: KeyError"),
    ],
)
def test_states_that_cannot_be_read(tmp_path, monkeypatch, capsys, content, message):
    path = tmp_path / "expected.json"
    path.write_bytes(content)
    assert run_main(monkeypatch, "simulate", "--state", str(path)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("simulate",), "give a DIRECTORY or --state FILE"),
        (("simulate", "nowhere"), "nowhere: cannot be read"),
        (("info", "nowhere"), "name a folder that synthesize wrote, or its program.json"),
    ],
)
def test_missing_input(tmp_path, monkeypatch, capsys, args, message):
    monkeypatch.chdir(tmp_path)
    assert run_main(monkeypatch, *args) == 2
    assert message in capsys.readouterr().err


def test_unreadable_program(tmp_path, monkeypatch, capsys):
    (tmp_path / "program.json").write_text("{}")
    assert run_main(monkeypatch, "simulate", str(tmp_path)) == 2
    assert "program.json: not a register program: 'format' is missing" in capsys.readouterr().err


def test_a_defect_keeps_its_traceback(monkeypatch, capsys):
    def broken(*_args, **_kwargs):
        raise InternalError("two and two are five")

    monkeypatch.setattr("max78000.commands.info._print_facts", broken)
    assert run_main(monkeypatch, "info") == 70
    captured = capsys.readouterr().err
    assert "Traceback" in captured
    assert "max78000: two and two are five\nThis is a defect of max78000" in captured


def test_info_about_the_chip():
    heading, *rows = run("info").stdout.splitlines()
    assert heading == "fact          value"
    assert "weight bytes  442,368" in rows
    facts = json.loads(run("info", "--json").stdout)
    assert facts["data_bytes"] == 524288
    assert facts["processors"] == 64


def test_info_about_a_program(tmp_path):
    folder = save(tmp_path, CASE.program())
    facts = json.loads(run("info", folder, "--json").stdout)
    assert facts["outputs"] == ["layer 0 out 4x4x4 8 bit"]
    assert facts["input_words"] == 16
    assert facts["known_answer_words"] == 16
    assert facts["cycles"] is None
    assert "cycles              -" in run("info", folder).stdout.splitlines()


def test_info_prints_the_program(tmp_path):
    text = run("info", save(tmp_path, CASE.program()), "--text").stdout
    assert "quadrant 1 layer 0 CCNT: max=5 pad=1" in text


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_verb_is_what_the_table_says(verb):
    command = verb.load()
    assert command.name == verb.name
    assert command.get_short_help_str(limit=100) == verb.summary
    assert f"Examples:\n    max78000 {verb.name}" in run(verb.name, "--help").stdout


def test_help_lists_verbs_without_importing_them():
    code = (
        "import sys; from max78000.commands.main import cli;"
        "cli(['--help'], standalone_mode=False); assert 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "simulate  Run a project and check its known answer." in done.stdout
    assert "run       Give a board inputs" in done.stdout
    assert "Pose:" not in done.stdout  # it has no verb of its own


def test_unknown_verbs_are_refused():
    assert "No such command 'simulat'" in run("simulat").output


@pytest.mark.parametrize("more", [["--json"], ["--text"], ["."]])
def test_where_the_package_for_cmake_is_goes_with_nothing_else(monkeypatch, capsys, more):
    assert run_main(monkeypatch, "info", "--cmake", *more) == 2
    assert "--cmake goes with nothing else (leave out" in capsys.readouterr().err


def test_simulate_builds_a_project_whose_makefile_names_another_folder(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.c").write_text("int main(void) { return missing; }")
    (tmp_path / "project.mk").write_text("VPATH += src\n")
    result = run("simulate", str(tmp_path))
    assert "does not compile main.c" in str(result.exception)
