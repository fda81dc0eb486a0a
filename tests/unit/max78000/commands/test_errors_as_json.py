"""Refusals for scripts: what every command with `--json` prints when it does not do its work."""

import json
import subprocess
import sys
from importlib.resources import files

import click
import pytest
from schemas import problems

from max78000.command import ending
from max78000.command.errors_as_json import FORMAT, is_asked_for, to_json
from max78000.errors import BoardError, CapacityError, InputError, ProblemList, ToldError

SCHEMA = json.loads(
    files("max78000.command").joinpath("errors.schema.json").read_text(encoding="utf-8")
)
BOTH = ProblemList(
    (CapacityError("needs 71", where="net.yaml:3", rule="C1"), InputError("no file", fix="look"))
)


def ended(monkeypatch, capsys, error, *words):
    @click.command("max78000")
    @click.option("--json", "as_json", is_flag=True)
    def command(**_given):
        raise error

    monkeypatch.setattr(sys, "argv", ["max78000", *words])
    with pytest.raises(SystemExit) as end:
        ending.run(command)
    return end.value.code, *capsys.readouterr()


@pytest.mark.parametrize("error", [BOTH, BoardError("is off"), ValueError("odd"), OSError(5, "x")])
def test_the_object_is_what_the_schema_says(monkeypatch, capsys, error):
    status, out, err = ended(monkeypatch, capsys, error, "--json")
    if isinstance(error, OSError):  # the output itself: nothing can be said there
        assert (status, out) == (2, "")
        return
    found = json.loads(out)
    assert not list(problems(found, SCHEMA))
    assert found["exit_status"] == status
    assert str(error) in err


def test_all_that_is_wrong_is_listed():
    assert json.loads(to_json("synthesize", BOTH)) == {
        "format": FORMAT,
        "command": "synthesize",
        "exit_status": 3,
        "errors": [
            {"where": "net.yaml:3", "what": "needs 71", "fix": "", "rule": "C1", "exit_status": 3},
            {"where": "", "what": "no file", "fix": "look", "rule": "", "exit_status": 2},
        ],
    }


def test_without_the_option_nothing_is_on_standard_output(monkeypatch, capsys):
    assert ended(monkeypatch, capsys, BoardError("is off"))[:2] == (5, "")
    assert not is_asked_for(["--", "--json"], BOTH)
    assert not is_asked_for(["--json"], click.NoSuchOption("--json"))


def test_nothing_is_added_to_results(monkeypatch, capsys):
    told = ToldError([BoardError("is off"), InputError("no file")])
    status, out, err = ended(monkeypatch, capsys, told, "--json")
    assert (status, out) == (5, "")
    assert err == "max78000: is off\nno file\n"


@pytest.mark.long
def test_a_doctor_who_finds_something_prints_the_findings_alone(tmp_path):
    words = [sys.executable, "-m", "max78000", "doctor", "--json"]
    run = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)
    failed = [one for one in json.loads(run.stdout) if one["status"] == "fail"]
    assert run.returncode == (5 if failed else 0)
    assert bool(failed) == bool(run.stderr)


def test_words_that_are_wrong(monkeypatch, capsys):
    status, out, err = ended(monkeypatch, capsys, BOTH, "--json", "--jason")
    (found,) = json.loads(out)["errors"]
    assert (status, found["exit_status"], found["fix"]) == (2, 2, "max78000 --help")
    assert "--jason" in found["what"]
    assert err


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        ("synthesize", "--json"),
        ("max78000", "info", "nowhere", "--json"),
        ("max78000", "build", "nowhere", "--json"),
        ("max78000", "simulate", "nowhere", "--json"),
        ("max78000", "compare", "nowhere", "--json"),
        ("max78000", "flash", "nowhere", "--json"),
        ("max78000", "energy", "nowhere", "--json"),
        ("max78000", "run", "nowhere", "x.png", "--virtual", "--json"),
        pytest.param(("ai8x", "quantize", "no.pth.tar", "x", "--json"), marks=pytest.mark.long),
        pytest.param(("ai8x", "evaluate", "no.pth.tar", "--json"), marks=pytest.mark.long),
        pytest.param(("ai8x", "describe", "no.onnx", "--json"), marks=pytest.mark.long),
    ],
)
def test_commands(words, tmp_path):
    package = {"synthesize": "synthesis", "ai8x": "ai8x_models"}.get(words[0], words[0])
    start = f"from {package}.commands.start import main; main()"
    code = f"import sys; sys.argv = {list(words)!r}; {start}"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    found = json.loads(run.stdout)
    assert not list(problems(found, SCHEMA))
    assert (found["command"], found["exit_status"]) == (words[0], run.returncode)
    assert "Traceback" not in run.stderr
