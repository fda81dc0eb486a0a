"""One trial: draw a network, ask if it fits, train it, and score its integers.

Scores are of the integer network on the validation examples: what the chip would answer. What does
not fit is given up before it is trained.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import torch
from optuna.exceptions import TrialPruned
from optuna.trial import FrozenTrial, Trial, TrialState
from torch import nn

from ai8x_models.describe.stored import load_network, trainable
from ai8x_models.layers.qat import QatModule
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.progress import no_progress
from ai8x_models.training.search.family import FOUND, Family, find_family, write_model
from ai8x_models.training.search.figures import Compiler, Figures, figures_of, find_compiler
from ai8x_models.training.search.journal import SAME_AS, finished
from ai8x_models.training.search.plan import SCORE, SearchPlan
from ai8x_models.training.task import Examples, Task, find_task
from ai8x_models.zoo.registry import Shape
from max78000.errors import InternalError, ProblemList, ToolError

REASON, SECONDS, BITS = "reason", "seconds", "bits"


@dataclass(frozen=True)
class Workshop:
    """What all trials of a process share: data, family, compiler.

    Args:
        plan: the search.
        console: for what a run says, which is usually nobody.
    """

    plan: SearchPlan
    console: Console

    def open(self) -> None:
        """Open what every trial needs, before the first one.

        Raises:
            InputError: data, family or compiler are not there.
        """
        _ = self.family, self.compiler, self.shape

    @cached_property
    def task(self) -> Task[Any, Any]:
        """What is learned."""
        return find_task(str(self.plan.recipe.task))

    @cached_property
    def validation(self) -> Examples:
        """What candidates are scored on."""
        recipe = self.plan.recipe_of(0, f"a.py:{FOUND}", self.plan.policy(8, ()))
        found: Examples = self.task.open_examples(recipe, "validation", self.console)
        return found

    @cached_property
    def shape(self) -> Shape:
        """Shape of the input, unfolded."""
        return tuple(next(self.validation.in_order(1)).inputs.shape[1:])

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for answers of another kind."""
        samples = getattr(self.validation, "samples", None)
        return len(getattr(samples, "classes", ()))

    @cached_property
    def family(self) -> Family:
        """What draws."""
        return find_family(self.plan.family, self.task.families)

    @cached_property
    def compiler(self) -> Compiler:
        """Whom to ask for cycles."""
        return find_compiler()

    @property
    def score_name(self) -> str:
        """Of the task's scores, the one that counts."""
        return next(iter(self.task.shown_scores.values()))


def try_out(trial: Trial, workshop: Workshop) -> tuple[float, ...]:
    """Do a trial.

    Returns:
        One number an objective of the plan.

    Raises:
        TrialPruned: the network does not fit the chip or the plan's limits, or could not be
            trained; the trial's `reason` says why.
    """
    start, plan = time.monotonic(), workshop.plan
    try:
        text = workshop.family(trial, workshop.shape, workshop.n_classes)
        bits = _bits(trial, plan)
        if (twin := _twin(trial)) is not None:
            return _as_before(trial, twin)
        word = write_model(plan.model_file(trial.number), text)
        torch.manual_seed(plan.recipe.seed)
        model = trainable(word, workshop.shape)
        policy = plan.policy(bits, layers_between(model))
        figures = figures_of(model, workshop.shape, policy, workshop.compiler)
    except ToolError as error:
        _give_up(trial, error)
    trial.set_user_attr("figures", figures.to_json())
    _keep_limits(trial, plan, figures)
    try:
        checkpoint = train(
            plan.recipe_of(trial.number, word, policy), workshop.console, overwrite=True
        )
        integers = checkpoint.with_name(checkpoint.name.replace(".pth.tar", "-q.pth.tar"))
        quantize_checkpoint(checkpoint, integers)
    except ToolError as error:
        _give_up(trial, error)
    scores = workshop.task.score(load_network(integers), workshop.validation, no_progress)
    _keep_scores(trial, scores, workshop.score_name)
    trial.set_user_attr(SECONDS, round(time.monotonic() - start, 1))
    numbers = {SCORE: scores[workshop.score_name], **figures.to_json()}
    return tuple(float(numbers[name]) for name in plan.objectives)


def layers_between(model: nn.Module) -> tuple[str, ...]:
    """Names of the layers with weights, without the first and the last."""
    names = [
        name
        for name, layer in model.named_modules()
        if isinstance(layer, QatModule) and hasattr(layer, "op")
    ]
    return tuple(names[1:-1])


def _twin(trial: Trial) -> FrozenTrial | None:
    """The trial that drew the same before, if there is one."""
    known = finished(trial.study)
    return next((one for one in known if one.params == trial.params), None)


def _as_before(trial: Trial, twin: FrozenTrial) -> tuple[float, ...]:
    """Answer as another trial did; the same network trained by the same recipe is the same."""
    trial.set_user_attr(SAME_AS, twin.number)
    if twin.state is TrialState.PRUNED:
        raise TrialPruned
    return tuple(twin.values)


def _bits(trial: Trial, plan: SearchPlan) -> int:
    if len(plan.bits) == 1:
        return plan.bits[0]
    bits: int = trial.suggest_categorical(BITS, plan.bits)
    return bits


def _keep_limits(trial: Trial, plan: SearchPlan, figures: Figures) -> None:
    """Give up what takes more than the plan allows."""
    for name, limit in plan.limits.items():
        if (taken := figures.to_json()[name]) > limit:
            trial.set_user_attr(REASON, f"{taken:,} {name.replace('_', ' ')}, at most {limit:,}")
            raise TrialPruned


def _keep_scores(trial: Trial, scores: Mapping[str, Any], name: str) -> None:
    """Store the score that counts, and where it could lie."""
    trial.set_user_attr(SCORE, scores[name])
    interval = scores.get(f"{name}_interval")
    if interval is not None:
        trial.set_user_attr("interval", list(interval))


def _give_up(trial: Trial, error: ToolError) -> NoReturn:
    """End a trial; what is the machine's fault, or ours, ends the search, and is no candidate's."""
    if isinstance(error, InternalError) or isinstance(error.__cause__, OSError):
        raise error
    problems = error.problems if isinstance(error, ProblemList) else (error,)
    more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
    trial.set_user_attr(REASON, f"{problems[0].why}{more}")
    raise TrialPruned from error
