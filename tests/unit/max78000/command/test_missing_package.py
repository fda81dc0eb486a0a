"""What is said where the packages of training are not installed."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from max78000.command.missing_package import EXTRA, MODULES, refusal_of

ROOT = Path(__file__).resolve().parents[4]
WITHOUT = "import sys; sys.modules[{!r}] = None; from ai8x_models.commands.main import main; main()"


@pytest.mark.long
def test_the_modules_are_those_of_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[^\w-]", line)[0] for line in project["optional-dependencies"][EXTRA]}
    homes = packages_distributions()
    assert {homes[module][0].lower() for module in MODULES} == wanted


@pytest.mark.parametrize(
    "error",
    [ModuleNotFoundError("no", name=name) for name in ("ai8x_models.lost", "torch.lost", None)]
    + [OSError()],
)
def test_any_other_error_stays_as_it_is(error):
    assert refusal_of(error) is None


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "words"),
    [("torch", ("describe", "DigitNet")), ("PIL", ("evaluate", "--count", "2", "--json"))],
)
def test_a_command_says_what_to_install(module, words, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(module), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    why, fix = f"needs the package {module}, which is not installed", "max78000-toolchain[train]"
    assert (run.returncode, run.stderr) == (4, f'ai8x: {why} (pip install "{fix}")\n')
    if "--json" in words:
        assert json.loads(run.stdout)["errors"][0]["what"] == why
    assert list(tmp_path.iterdir()) == []
