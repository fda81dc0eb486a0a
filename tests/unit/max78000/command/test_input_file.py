"""Files that are named: who gets a shipped one is told so, once, beside the results."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from max78000.command import INPUT_FILE, find_named

ROOT = Path(__file__).resolve().parents[4]
NAME = "networks/pose_tiny.yaml"
NOTE = f"note: {NAME} is the shipped one: {ROOT / NAME}\n"


@click.command()
@click.argument("files", nargs=-1, type=INPUT_FILE)
@click.option("--default", type=INPUT_FILE, default="networks/pose_student.yaml")
def show(files, default):
    """Print where the files lie, and where the first lies by its name as a word."""
    for path in (*files, default, find_named(Path(NAME))):
        click.echo(path)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_shipped_file_that_is_named_is_told_once():
    result = CliRunner().invoke(show, [NAME, NAME])
    assert result.stderr == NOTE
    found = [ROOT / NAME, ROOT / NAME, ROOT / "networks/pose_student.yaml", ROOT / NAME]
    assert result.stdout == "".join(f"{path}\n" for path in found)


def test_names_are_told_each_and_ones_own_are_not():
    mine = Path("networks/pose_student.yaml")
    mine.parent.mkdir()
    mine.touch()
    result = CliRunner().invoke(show, [str(mine)])
    assert result.stdout == f"{mine}\n{mine}\n{ROOT / NAME}\n"
    assert result.stderr == NOTE


def test_in_the_repository_nothing_is_told(monkeypatch):
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(show, [NAME])
    assert result.stderr == ""


def test_where_no_command_line_is_the_file_is_found_all_the_same(capsys):
    assert find_named(Path(NAME)) == ROOT / NAME
    assert capsys.readouterr().err == NOTE
