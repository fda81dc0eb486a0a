"""Hosted checks, hooks and metadata name the same Pythons, steps and packages as the rest."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
STEP = re.compile(r"\bmake ([a-z][a-z-]*)")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def read_workflow(path):
    content = yaml.safe_load(path.read_text())
    content["on"] = content.pop(True)  # what YAML 1.1 makes of the key `on`
    return content


def steps_of(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def make_targets():
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def matrix_pythons():
    (path,) = WORKFLOWS
    return read_workflow(path)["jobs"]["check"]["strategy"]["matrix"]["python"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_whole(path):
    workflow = read_workflow(path)
    assert workflow.keys() == {"name", "on", "permissions", "jobs"}
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
    for step in steps_of(workflow):
        assert ("uses" in step) != ("run" in step), step
        assert re.fullmatch(r"[\w/-]+@v\d+", step.get("uses", "a@v1"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_steps_that_exist(path):
    called = STEP.findall("\n".join(step.get("run", "") for step in steps_of(read_workflow(path))))
    assert {"setup", "check", "test"} <= set(called) <= make_targets()


def test_every_supported_python_is_checked():
    said = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "3." in line]
    assert matrix_pythons() == said
    assert PROJECT["requires-python"] == f">={said[0]}"


def test_hosted_machines_have_what_our_own_install():
    """But for the browser: theirs bring one."""
    ours = set(re.findall(r"missing\+=\((\S+)\)", (ROOT / ".ci" / "run").read_text()))
    (install,) = re.findall(r"apt-get install (.*)", WORKFLOWS[0].read_text())
    theirs = {word for word in install.split() if not word.startswith("-")}
    assert ours - theirs == {"chromium"}
    assert theirs < ours


def test_hooks_fetch_nothing():
    assert {repo["repo"] for repo in HOOKS["repos"]} == {"local"}
    for hook in HOOKS["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith((".venv/bin/", "make "))
        assert set(STEP.findall(hook["entry"])) <= make_targets()
