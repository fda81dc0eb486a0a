"""What tests of the training side share: files kept beside a checkout, and the command."""

import sys

import pytest

from ai8x_models.commands.main import main


@pytest.fixture
def cases_dir(vectors_dir):
    """Files that users brought, kept beside a checkout."""
    folder = vectors_dir and vectors_dir.parent / "cases" / "networks"
    if folder is None or not folder.is_dir():
        pytest.skip("the shared cases are not beside this checkout")
    return folder


@pytest.fixture
def v2_dir(vectors_dir):
    """What the vendor's newer quantizer and trainer make of some networks."""
    folder = vectors_dir and vectors_dir / "qatv2"
    if folder is None or not folder.is_dir():
        pytest.skip("the shared vectors of QATv2 are not beside this checkout")
    return folder


@pytest.fixture
def ai8x(monkeypatch, capsys):
    """Run the command as a shell would; returns (exit status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ai8x", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run
