"""A recipe from a few words, for runs that have no recipe file yet."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ai8x_models.describe.stored import arch_of_word
from ai8x_models.layers.policy import QatPolicy, read_policy
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.training.recipe_text import plain_section
from ai8x_models.zoo.registry import Shape

SOURCE = "command line"
QAT_FROM = 2 / 3  # of the run, where nothing says when QAT begins


@dataclass(frozen=True, slots=True)
class RecipeWords:
    """What is typed; None: left out.

    Args:
        model: a name of the registry, or `FILE.py:NAME`.
        data: as `data.source` of a recipe.
        epochs: to train.
        shape: of the network's input.
        task: left out, that of the registry.
        name: of the run; left out, the model's in small letters.
        batch_size: examples in a batch.
        peak_rate: highest learning rate.
        policy: file of QAT, in the vendor's form.
        weight_bits: QAT with this width, for the last third of the run.
    """

    model: str
    data: str
    epochs: int
    shape: Shape | None = None
    task: str | None = None
    name: str | None = None
    batch_size: int | None = None
    peak_rate: float | None = None
    policy: Path | None = None
    weight_bits: int | None = None

    def recipe(self) -> Recipe:
        """Make the recipe; what is not said is the default of recipe files.

        Raises:
            InputError: no such network or policy; and as a recipe file.
            ProblemList: several problems.
        """
        text = yaml.safe_dump(self._sections(), sort_keys=False)
        return parse_recipe(text, SOURCE)

    def _sections(self) -> dict[str, Any]:
        arch = arch_of_word(self.model).lower()
        policy = self._policy()
        sections = {
            "name": self.name or re.sub(r"[^a-z0-9_-]", "_", arch).lstrip("_-"),
            "model": self.model,
            "task": self.task,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "data": {"source": self.data, **({"shape": list(self.shape)} if self.shape else {})},
            "optimizer": None if self.peak_rate is None else {"peak_rate": self.peak_rate},
            "qat": None if policy is None else plain_section(policy),
        }
        return {key: value for key, value in sections.items() if value is not None}

    def _policy(self) -> QatPolicy | None:
        if self.policy is not None:
            policy = read_policy(self.policy)
            bits = self.weight_bits
            return policy if bits is None else replace(policy, weight_bits=bits)
        if self.weight_bits is None:
            return None
        return QatPolicy(int(self.epochs * QAT_FROM), self.weight_bits)
