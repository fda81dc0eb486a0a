"""Numbers on the command line: within limits, and numbers."""

import click
import pytest
from click.testing import CliRunner

from max78000.command import RealRange


@click.command()
@click.option("--share", type=RealRange(0, 1))
def show(share):
    click.echo(repr(share))


def test_numbers_are_taken():
    assert CliRunner().invoke(show, ["--share", "0.5"]).output == "0.5\n"
    assert CliRunner().invoke(show, []).output == "None\n"


@pytest.mark.parametrize("word", ["nan", "-nan", "inf", "2", "-1", "x"])
def test_others_are_refused(word):
    result = CliRunner().invoke(show, [f"--share={word}"])
    assert result.exit_code == 2
    assert "Invalid value for '--share'" in result.output


def test_infinity_is_none_where_there_is_no_limit():
    assert RealRange(0).convert("3", None, None) == 3.0
    with pytest.raises(click.BadParameter, match="is not a number"):
        RealRange(0).convert("inf", None, None)
