"""The toy task, mounted."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from ai8x_models.training.task import ENTRY_POINTS


@pytest.fixture
def toy(monkeypatch, tmp_path):
    point = EntryPoint("classification", "toy_task:TASK", ENTRY_POINTS)
    monkeypatch.setattr(
        "ai8x_models.training.task.entry_points", lambda group: EntryPoints([point])
    )
    monkeypatch.chdir(tmp_path)
