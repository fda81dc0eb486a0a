"""What is searched for, as a value: the same in every process that takes part."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ai8x_models.layers.policy import QatPolicy
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.recipe_text import recipe_text

QAT_FROM = 2 / 3  # of a trial's run, where the recipe does not say
SCORE, CYCLES, WEIGHT_BYTES = "score", "cycles", "weight_bytes"
OBJECTIVES = (SCORE, CYCLES, WEIGHT_BYTES)  # the first is to be high, the others low


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """One search.

    Args:
        family: a name of `family.FAMILIES`, or `FILE.py:NAME`.
        recipe: how every candidate is trained, and for which task; its `model` is not looked at.
        journal: file that everything known about the trials is in; what belongs to it lies beside.
        objectives: what counts, of `OBJECTIVES`; the first is always the score.
        bits: widths of the weights between the first layer and the last, which have eight.
        limits: most of `cycles` and `weight_bytes` that a candidate may take.
        seed: of the draw.
    """

    family: str
    recipe: Recipe
    journal: Path
    objectives: tuple[str, ...] = OBJECTIVES
    bits: tuple[int, ...] = (8, 4)
    limits: dict[str, int] = field(default_factory=dict)
    seed: int = 1

    @property
    def name(self) -> str:
        """Of the study."""
        return self.recipe.name

    def to_json(self) -> dict[str, Any]:
        """What has to be the same for a search to go on: all but the place of the journal."""
        return {
            "family": self.family,
            "recipe": recipe_text(self.recipe),
            "objectives": list(self.objectives),
            "bits": list(self.bits),
            "limits": dict(self.limits),
            "seed": self.seed,
        }

    def model_file(self, number: int) -> Path:
        """Where the network of a trial is written."""
        return model_file(self.journal, number)

    def recipe_of(self, number: int, model: str, policy: QatPolicy) -> Recipe:
        """How a trial is trained."""
        folder = run_folder(self.journal, number)
        name = f"{self.name}-{number:03d}"
        return replace(self.recipe, name=name, model=model, qat=policy, folder=folder)

    def policy(self, bits: int, between: tuple[str, ...]) -> QatPolicy:
        """Quantization of a candidate.

        Args:
            bits: width of the weights of the layers `between`.
            between: the first layer and the last.
        """
        given = self.recipe.qat or QatPolicy(int(self.recipe.epochs * QAT_FROM))
        widths = {} if bits == given.weight_bits else dict.fromkeys(between, bits)
        return replace(given, overrides={**given.overrides, **widths})


def model_file(journal: Path, number: int) -> Path:
    """Where the network of a trial is written."""
    return journal.parent / "models" / f"trial_{number:03d}.py"


def run_folder(journal: Path, number: int) -> Path:
    """Where a trial's run lies."""
    return journal.parent / "runs" / f"trial_{number:03d}"
