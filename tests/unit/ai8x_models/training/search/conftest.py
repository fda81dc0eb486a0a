"""A search whose trials cost nothing, and one whose trials are real and small."""

from pathlib import Path

import numpy as np
import pytest

from ai8x_models.training.recipe_file import parse_recipe
from max78000.errors import ToolError

RECIPE = """\
name: small
model: net.py:Found
task: classification
epochs: 2
batch_size: 8
data: {source: data.npz, shape: [1, 8, 8], validation_share: 0.25}
qat: {start_epoch: 1, weight_bits: 8}
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Bars that stand or lie: two classes of pictures."""
    pytest.importorskip("optuna", reason="of the extra `train`")
    from ai8x_models.training.search.plan import SearchPlan  # noqa: PLC0415 - needs Optuna

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 60, (80, 8, 8)).astype(np.uint8)
    for index, picture in enumerate(pictures):
        place = rng.integers(1, 7)
        picture[(place, slice(None)) if index % 2 else (slice(None), place)] = 255
    np.savez("data.npz", inputs=pictures, targets=np.arange(80) % 2)
    recipe = parse_recipe(RECIPE, "r.yaml")
    return SearchPlan("pictures", recipe, Path("study/journal.log"))


@pytest.fixture
def figures_only(monkeypatch):
    """Trials end with numbers of what was drawn; some are given up."""
    import optuna  # noqa: PLC0415 - see `plan`

    def invented(trial, workshop):
        width, depth = trial.suggest_int("width", 1, 99), trial.suggest_int("depth", 1, 9)
        cycles, size = width * depth * 10, width * 100
        if width > 80:
            trial.set_user_attr("reason", f"{width} is too wide")
            raise optuna.TrialPruned
        score = 1 - 1 / (width * depth)
        figures = {"cycles": cycles, "weight_bytes": size, "milliseconds": 0.5, "energy_uj": 9.0}
        for name, value in {"figures": figures, "score": score, "seconds": 1.0}.items():
            trial.set_user_attr(name, value)
        return score, float(cycles), float(size)

    monkeypatch.setattr("ai8x_models.training.search.search.try_out", invented)
    return invented


@pytest.fixture
def no_compiler(monkeypatch):
    def refuse(*files, is_streamed):
        raise ToolError("needs more than there is", where="net.yaml")

    monkeypatch.setattr("ai8x_models.training.search.candidate.find_compiler", lambda: refuse)
