import json
import os
import pty
import tty

import pytest
from click.testing import CliRunner
from model_monitor import ModelMonitor
from test_energy_report import REPORT, write_report

from max78000.command import run
from max78000.commands import console as console_command
from max78000.commands import doctor as doctor_command
from max78000.commands import energy as energy_command
from max78000.errors import BoardError, InputError
from max78000.link.doctor_board import RULE, Bench
from max78000.link.serial_ports import SerialPort


@pytest.fixture
def cli():
    """Runs a command; the library's errors are raised."""
    return CliRunner(catch_exceptions=False).invoke


@pytest.fixture
def board():
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


class EmptyBench(Bench):
    """Nothing is plugged in."""

    def probes(self):
        return ()

    usb_nodes = drives = ports = probes


def ports(*found):
    return lambda: found


def test_console_prints_until_the_word(cli, board, monkeypatch):
    master, device = board
    port = SerialPort(device, (0x0403, 0x6015))
    monkeypatch.setattr(console_command, "list_ports", ports(port))
    real_open = console_command.open_port

    def open_and_talk(*args):
        line = real_open(*args)
        os.write(master, b"*** START ***\r\n*** PASS ***\r\nmore\r\n")
        return line

    monkeypatch.setattr(console_command, "open_port", open_and_talk)
    result = cli(console_command.console, ["--until", "PASS", "--seconds", "30"])
    assert result.output == "*** START ***\n*** PASS ***\n"


def test_a_silent_console_is_an_error(cli, board):
    _, device = board
    with pytest.raises(BoardError, match=r"nothing received within 0.1 s.*SW5.*JH1"):
        cli(console_command.console, ["--port", device, "--seconds", "0.1"])


def test_a_console_without_the_word_is_an_error(cli, board, monkeypatch):
    _, device = board
    monkeypatch.setattr(console_command, "read_lines", lambda *_: iter(["FAIL"]))
    with pytest.raises(BoardError, match="'PASS' did not come within 1 s"):
        cli(console_command.console, ["--port", device, "--seconds", "1", "--until", "PASS"])


def test_energy_is_measured_where_the_monitor_is(cli, monkeypatch):
    with ModelMonitor() as monitor:
        port = SerialPort(monitor.device, (0x0B6A, 0x003C))
        monkeypatch.setattr(energy_command, "list_ports", ports(port))
        result = cli(energy_command.energy, ["--lines", "2", "--json"])
    report = json.loads(result.stdout)
    assert report["source"] == "measurement"
    assert report["work"]["inference"]["time_us"] == pytest.approx(4200)
    assert "waiting for" in result.stderr


@pytest.mark.parametrize(("mode", "word"), [("system", "system"), ("power", "VCOREA")])
def test_other_modes_have_their_tables(cli, mode, word):
    with ModelMonitor() as monitor:
        result = cli(energy_command.energy, ["--port", monitor.device, "--mode", mode])
    assert any(row.startswith(word) for row in result.stdout.splitlines())


def test_energy_is_estimated_without_a_monitor(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(energy_command, "list_ports", ports())
    folder = write_report(tmp_path, json.dumps(REPORT))
    result = cli(energy_command.energy, [str(folder)])
    assert result.stdout.splitlines()[0].split()[0] == "estimate"
    assert "not measured" in result.stderr


def test_an_estimate_can_be_asked_for(cli, tmp_path):
    folder = write_report(tmp_path, json.dumps(REPORT))
    result = cli(energy_command.energy, [str(folder), "--estimate", "--json"])
    assert json.loads(result.stdout)["source"] == "estimate"
    with pytest.raises(InputError, match="cannot be read"):
        cli(energy_command.energy, [str(tmp_path / "none"), "--estimate"])


def test_nothing_to_report_is_an_error(cli, monkeypatch):
    monkeypatch.setattr(energy_command, "list_ports", ports())
    with pytest.raises(BoardError, match=r"no power monitor found.*J1"):
        cli(energy_command.energy, [])


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_doctor_without_a_probe_ends_with_status_5(options, monkeypatch, capsys):
    monkeypatch.setattr(doctor_command, "Bench", EmptyBench)
    monkeypatch.setattr("sys.argv", ["doctor", *options])
    with pytest.raises(SystemExit) as end:
        run(doctor_command.doctor)
    shown = capsys.readouterr()
    assert end.value.code == 5
    assert "no debug probe found" in shown.err
    if options:
        statuses = {row["name"]: row["status"] for row in json.loads(shown.out)}
        assert statuses["probe"] == "fail"
        assert statuses["python"] == "ok"
    else:
        assert "FAIL  probe             no debug probe found" in shown.out


def test_doctor_prints_the_rule_alone(cli):
    assert cli(doctor_command.doctor, ["--udev-rule"]).output == RULE + "\n"


@pytest.mark.parametrize(
    ("log", "word"),
    [
        ("Error: unable to find a matching CMSIS-DAP device\n", "no debug adapter answers"),
        ("all is well\n", "no known error in this text"),
    ],
)
def test_doctor_explains_a_log(cli, log, word):
    result = cli(doctor_command.doctor, ["--log", "-"], input=log)
    assert word in result.output
