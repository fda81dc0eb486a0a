"""A command line of the vendor's trainer as a recipe: a function of what it asks for.

Nothing is opened but the files that it names: policy and schedule. What differs on purpose is said
in docs/coming-from-ai8x.md#training.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from ai8x_models.describe.reference import bare_name, call_text, split_reference
from ai8x_models.layers.policy import QatPolicy, read_policy
from ai8x_models.training.data.source import Answers
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.training.recipe_text import plain_section
from ai8x_models.training.vendor.datasets import DataFacts, check_data
from ai8x_models.training.vendor.detection_params import DetectionParams, read_detection_params
from ai8x_models.training.vendor.names import find_module, names_in, unknown
from ai8x_models.training.vendor.request import DEFAULT_POLICY, Request
from ai8x_models.zoo.registry import MODELS
from max78000.errors import InputError, ProblemList, ToolError, UnsupportedError, raise_all

SOURCE = "command line"
# What the vendor's own file says, for whoever does not have it.
VENDOR_POLICY = QatPolicy(start_epoch=30)
TASKS: Mapping[Answers, str] = MappingProxyType(
    {
        Answers.CLASSES: "classification",
        Answers.NUMBERS: "regression",
        Answers.MASKS: "segmentation",
        Answers.BOXES: "detection",
        Answers.KEYPOINTS: "keypoints",
    }
)
OPTIMIZERS = ("SGD", "Adam")


def check_words(request: Request) -> None:
    """Look at all that a command line names, before the data are: that takes longer.

    Raises:
        ToolError: as `recipe_of` and `find_data`, and files that are not there, all at once.
    """
    problems: list[ToolError] = []
    for check in (find_model, check_data, policy_of, _optimizer, _distillation, _check_files):
        try:
            check(request)
        except ToolError as error:
            problems += error.problems if isinstance(error, ProblemList) else (error,)
    raise_all(problems)


def _check_files(request: Request) -> None:
    teacher = None if request.distillation is None else request.distillation.teacher
    given = {
        "--exp-load-weights-from": request.start,
        "--kd-resume": teacher,
        "--compress": request.compress,
        "--obj-detection-params": request.detection_params,
    }
    raise_all(
        InputError(f"no such file: {path}", where=option, fix="check the path")
        for option, path in given.items()
        if path is not None and not path.is_file()
    )


def recipe_of(request: Request, facts: DataFacts, folder: Path) -> Recipe:
    """Translate a command line.

    Args:
        request: what it asks for.
        facts: of its data.
        folder: where the run is to lie.

    Raises:
        InputError: no such model, policy or schedule, or as of a recipe file.
        UnsupportedError: nothing here trains it.
        ProblemList: several problems.
    """
    word = model_word(request, facts)
    policy = policy_of(request)
    sections: dict[str, Any] = {
        "name": _plain_name(request.name or bare_name(word.rpartition(":")[2])),
        "model": word,
        "task": task_name(request, facts),
        "epochs": request.epochs,
        "seed": request.seed,
        "batch_size": request.batch_size,
        "deterministic": request.is_deterministic,
        "device": "cpu" if request.on_cpu else None,
        "keep": "best",
        "start_from": None if request.start is None else str(request.start),
        "data": _data(request, facts),
        "optimizer": _optimizer(request),
        "qat": None if policy is None else plain_section(policy),
        "folder": str(folder),
        "distill": _distillation(request),
        "loss": _loss(request, facts),
        **_boxes(request, facts),
    }
    given = {key: value for key, value in sections.items() if value is not None}
    return parse_recipe(yaml.safe_dump(given, sort_keys=False), SOURCE)


def model_word(request: Request, facts: DataFacts) -> str:
    """The network as recipes name it; the vendor's functions with their arguments.

    Raises:
        InputError: there is none of this name.
    """
    word, is_listed = find_model(request)
    path, _, name = word.rpartition(":")
    return f"{path}:{_call(name, request, facts)}" if is_listed else word


def find_model(request: Request) -> tuple[str, bool]:
    """The network by its name alone; and whether it stands in a list of the vendor's modules.

    Raises:
        InputError: there is none of this name.
    """
    word = request.model
    reference = split_reference(word)
    if reference is not None:
        path, name = reference
        return word, any(found == (path, name) for found in names_in("models", path.parent))
    found = find_module("models", word, request.models_dir)
    if found is not None:
        return ":".join(map(str, found)), True
    ours = {name.lower(): name for name in MODELS}
    if word.lower() in ours:
        return ours[word.lower()], False
    raise unknown("models", word, request.models_dir, tuple(MODELS))


def _call(name: str, request: Request, facts: DataFacts) -> str:
    """A model's function with what the vendor's trainer gives it."""
    channels, *size = facts.shape
    says_nothing = task_name(request, facts) == TASKS[Answers.BOXES]  # a class more: nothing here
    arguments = {
        "num_classes": facts.n_outputs + int(says_nothing),
        "num_channels": channels,
        "dimensions": (*size, 1)[:2],
        "bias": request.has_bias,
    }
    return call_text(name, arguments)


def task_name(request: Request, facts: DataFacts) -> str:
    """What is learned: what the options say, or else what the answers are."""
    if request.is_regression:
        return TASKS[Answers.NUMBERS]
    if request.is_detection:
        return TASKS[Answers.BOXES]
    return TASKS[facts.answers]


def policy_of(request: Request) -> QatPolicy | None:
    """The policy of QAT; None if it is turned off, or begins behind the end of the run."""
    if request.policy is None:
        policy = read_policy(DEFAULT_POLICY) if DEFAULT_POLICY.is_file() else VENDOR_POLICY
    elif request.policy.lower() == "none":
        return None
    else:
        policy = read_policy(Path(request.policy))
    return policy if policy.start_epoch < request.epochs else None


def _data(request: Request, facts: DataFacts) -> dict[str, Any]:
    return {
        "source": facts.source,
        "shape": list(facts.shape),
        "validation_share": request.validation_split,
        **facts.more,
    }


def _optimizer(request: Request) -> dict[str, Any]:
    kinds = {kind.lower(): kind for kind in OPTIMIZERS}
    if request.optimizer.lower() not in kinds:
        fix = f"use {' or '.join(OPTIMIZERS)}; a recipe knows others"
        raise UnsupportedError(f"there is no {request.optimizer}", where="--optimizer", fix=fix)
    plan = {
        "kind": request.optimizer.lower(),
        "peak_rate": request.rate,
        "weight_decay": request.weight_decay,
        "momentum": request.momentum,
        "warmup_share": 0.0,
    }
    if request.compress is None:
        return plan | {"schedule": "constant"}
    return plan | {"schedule_file": str(request.compress)}


def _distillation(request: Request) -> dict[str, Any] | None:
    plan = request.distillation
    if plan is None:
        return None
    whole = plan.teacher_weight + plan.truth_weight
    if min(plan.teacher_weight, plan.truth_weight) < 0 or not whole:
        why = f"weights {plan.teacher_weight:g} and {plan.truth_weight:g} leave nothing to learn"
        raise InputError(why, where="--kd-distill-wt", fix="give two numbers from 0, not both 0")
    return {"teacher": str(plan.teacher), "share": plan.teacher_weight / whole}


def _loss(request: Request, facts: DataFacts) -> dict[str, Any] | None:
    plan: dict[str, Any] = {}
    if request.distillation is not None:
        plan["temperature"] = request.distillation.temperature
    if facts.class_weights and task_name(request, facts) == TASKS[Answers.CLASSES]:
        plan["class_weights"] = dict(facts.class_weights)
    return plan or None


def _boxes(request: Request, facts: DataFacts) -> dict[str, Any]:
    """Sections of detection alone."""
    path = request.detection_params
    if task_name(request, facts) != TASKS[Answers.BOXES]:
        if path is not None:
            why = "says how boxes are learned, and the data have none"
            raise InputError(why, where="--obj-detection-params", fix="leave it out")
        return {}
    params = DetectionParams() if path is None else read_detection_params(path)
    return params.sections()


def _plain_name(text: str) -> str:
    """A name as recipes have them."""
    return re.sub(r"[^a-z0-9_-]", "_", text.lower()).lstrip("_-")
