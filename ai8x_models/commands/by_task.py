"""Verbs that tasks have in several ways: the checkpoint that is named says which.

The table `tasks` is for all tasks; one that does a verb in a way of its own mounts a table under
its name, as the registry and checkpoints have it.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from max78000.command import HELP_OPTIONS, Verb, VerbGroup
from max78000.errors import InputError, ToolError
from max78000.facts.shipped import find_input

SHARED = "tasks"  # table of the verbs that do for all tasks but those with their own
DEFAULT_TASK = "pose"  # of the checkpoints that are shipped, and taken unasked
_SUFFIXES = frozenset((".tar", ".pth", ".pt", ".bin", ".safetensors"))  # of files with weights


class TaskGroup(VerbGroup):
    """A group in which tasks may have verbs of the same name."""

    @cached_property
    def by_task(self) -> Mapping[str, Mapping[str, Verb]]:
        """Verbs of tasks by name, and there by task."""
        found: dict[str, dict[str, Verb]] = {}
        for title, verbs in self.tables.items():
            for verb in verbs:
                found.setdefault(verb.name, {})[title.lower()] = verb
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs, each once."""
        return list(dict.fromkeys(super().list_commands(ctx)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; one that several tasks have only when the task is known."""
        verbs = self.by_task.get(cmd_name, {})
        return TaskVerb(cmd_name, verbs) if len(verbs) > 1 else super().get_command(ctx, cmd_name)


class TaskVerb(click.Command):
    """The verbs of one name, by task."""

    def __init__(self, name: str, verbs: Mapping[str, Verb]) -> None:
        super().__init__(name, help="What it does depends on the task of the checkpoint.")
        self._verbs = verbs

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Go on as the verb of the task."""
        tasks = {task for word in args for task in _tasks_of(word.rpartition("=")[2])}
        if not tasks and any(word in HELP_OPTIONS for word in args):
            return super().make_context(info_name, args, parent, **extra)
        if len(tasks) > 1:
            why = f"checkpoints are for {' and '.join(sorted(tasks))}"
            raise InputError(why, where=f"ai8x {self.name}", fix="name those of one task")
        verb = self._verbs.get(next(iter(tasks), DEFAULT_TASK)) or self._verbs[SHARED]
        return verb.load().make_context(info_name, args, parent, **extra)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the help of every way."""
        for task, verb in sorted(self._verbs.items(), key=lambda one: one[0] == SHARED):
            words = "any other task" if task == SHARED else task
            formatter.write(f"With a checkpoint for {words}:\n\n")
            command = verb.load()
            command.format_help(click.Context(command, ctx.parent, ctx.info_name), formatter)
            formatter.write("" if task == SHARED else "\n\n")


def _tasks_of(word: str) -> Iterator[str]:
    """The task of a checkpoint, if the word is the file of one."""
    path = find_input(Path(word))
    if path.suffix not in _SUFFIXES or not os.path.isfile(path):  # noqa: PTH113 - of Path it may raise
        return
    from ai8x_models.zoo.registry import find_model
    from max78000.program.torch_file import read_torch_file

    try:
        contents = read_torch_file(path)
        extras = contents.get("extras")
        named = extras.get("task") if isinstance(extras, dict) else None
        yield str(named or find_model(str(contents.get("arch"))).task)
    except ToolError:  # for the verb to report
        return
