"""Every command of every tool explains itself, says its version, and is completed by shells."""

import pkgutil
import re
import shutil
import tomllib

import click
import pytest
from click.testing import CliRunner
from pages import read
from ran import ran

from ai8x_models.commands.main import cli as ai8x
from max78000.commands.main import cli as max78000
from synthesis.commands.synthesize import synthesize

VERSION = tomllib.loads(read("pyproject.toml"))["project"]["version"]
TOOLS = {tool.name: tool for tool in (ai8x, max78000, synthesize)}
LINE = re.compile(r"`(?:eval \"\$\()?_(\w+)_COMPLETE=(\w+)_source ([\w ]+?)(?: \\\| source|\)\")`")
# Lines of a shell: what makes the completion known, and what pressing the tab key does.
SHELLS = {
    "bash": (
        'eval "$(_{upper}_COMPLETE=bash_source {tool})"; COMP_WORDS=({words}); '
        'COMP_CWORD={last}; _{tool}_completion {tool}; echo "${{COMPREPLY[@]}}"'
    ),
    "zsh": (
        'autoload -U compinit; compinit -u -D; eval "$(_{upper}_COMPLETE=zsh_source {tool})"; '
        'env COMP_WORDS="{words}" COMP_CWORD={last} _{upper}_COMPLETE=zsh_complete {tool}'
    ),
    "fish": ("_{upper}_COMPLETE=fish_source {tool} | source; complete --do-complete '{words}'"),
}


def every_command():
    """Words of every command: the tools, and the verbs of those that have some."""
    for name, tool in TOOLS.items():
        yield (name,)
        if isinstance(tool, click.Group):
            yield from ((name, verb) for verb in tool.list_commands(click.Context(tool)))


COMMANDS = list(every_command())


def said(words, *more):
    """What a command prints; it has to end well."""
    result = CliRunner().invoke(TOOLS[words[0]], [*words[1:], *more], prog_name=words[0])
    assert result.exit_code == 0, result.output
    return result.output


def test_there_are_commands():
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_explains_itself_and_says_its_version(words, monkeypatch):
    tables = TOOLS[words[0]].tables.values() if words[1:] else ()
    for verb in (one for table in tables for one in table if one.name in words):
        # click keeps the help option of whoever called a verb without its tool
        monkeypatch.setattr(pkgutil.resolve_name(verb.target), "_help_option", None, raising=False)
    told = said(words, "--help")
    assert f"Usage: {' '.join(words)} " in told
    assert said(words, "-h") == told
    assert all(option in told for option in ("-h, --help", "--version"))
    assert said(words, "--version") == f"{words[0]}, version {VERSION}\n"


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("ai8x", "comp"), "compare"),
        (("ai8x", "train", "--find"), "--find-rate"),
        (("max78000", "sim"), "simulate"),
        (("max78000", "build", "--vers"), "--version"),
        (("synthesize", "--show", "pl"), "placed"),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes(shell, words, wanted, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    names = {"tool": words[0], "upper": words[0].upper(), "last": len(words) - 1}
    line = SHELLS[shell].format(words=" ".join(words), **names)
    assert wanted in ran(shell, "-c", line, folder=tmp_path, HOME=tmp_path).split()


def test_the_page_says_the_lines_that_shells_are_given_here():
    told = LINE.findall(read("docs/index.md"))
    assert told == [("AI8X", shell, "ai8x") for shell in SHELLS]
    for upper, shell, tool in told:
        assert f"_{upper}_COMPLETE={shell}_source {tool}" in SHELLS[shell].format(
            upper=upper, tool=tool, words="", last=0
        )
