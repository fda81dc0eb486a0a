"""Schedule files of the vendor's trainer (`--compress`): learning rates, epoch by epoch.

    lr_schedulers:
      training_lr: {class: MultiStepLR, milestones: [100, 150], gamma: 0.1}
    policies:
      - lr_scheduler: {instance_name: training_lr}
        starting_epoch: 0
        ending_epoch: 200
        frequency: 1

A scheduler is a class of PyTorch and its arguments; a policy lets it take a step after each of its
epochs. What such files can hold beside that, pruning and the like, the chip has no use for: it is
refused.

It is the format of Distiller, which the vendor's trainer uses.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch.optim import lr_scheduler

from ai8x_models.layers.yaml_text import compose_yaml
from ai8x_models.training.sections import Place, read_section
from max78000.errors import InputError, ToolError, UnsupportedError, raise_all

# Arguments that each scheduler takes; those of _REQUIRED must be there.
_SCHEDULERS: Mapping[str, tuple[str, ...]] = {
    "MultiStepLR": ("milestones", "gamma"),
    "StepLR": ("step_size", "gamma"),
    "ExponentialLR": ("gamma",),
    "CosineAnnealingLR": ("T_max", "eta_min"),
    "CosineAnnealingWarmRestarts": ("T_0", "T_mult", "eta_min"),
    "PolynomialLR": ("total_iters", "power"),
    "LinearLR": ("start_factor", "end_factor", "total_iters"),
    "ConstantLR": ("factor", "total_iters"),
}
_REQUIRED = frozenset({"milestones", "step_size", "T_max", "T_0", "total_iters"})
_WHOLE = frozenset({*_REQUIRED, "T_mult"})


@dataclass(frozen=True, slots=True)
class _Instance:
    instance_name: str


@dataclass(frozen=True, slots=True)
class _Policy:
    """When a scheduler takes a step."""

    lr_scheduler: _Instance
    starting_epoch: int = 0
    ending_epoch: int = 1_000_000
    frequency: int = 1

    def is_due(self, epoch: int) -> bool:
        """True if a step follows this epoch."""
        since = epoch - self.starting_epoch
        return since >= 0 and epoch < self.ending_epoch and since % max(self.frequency, 1) == 0


def read_schedule(path: Path, peak_rate: float, epochs: int) -> dict[int, float]:
    """Read a schedule file.

    Args:
        path: the file.
        peak_rate: learning rate that the schedule begins with.
        epochs: of the run.

    Returns:
        The rate from each epoch on at which it changes; the first is epoch 0.

    Raises:
        InputError: no such file, not YAML, or a key is wrong; with its line.
        UnsupportedError: it asks for more than learning rates.
        ProblemList: several problems.
    """
    place = Place(str(path))
    schedulers, policies = _read(path, place)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak_rate)
    try:
        made = {name: make(optimizer) for name, make in schedulers.items()}
    except (ValueError, TypeError) as error:
        raise InputError(f"PyTorch refuses it: {error}", where=str(path)) from error
    rates: dict[int, float] = {}
    for epoch in range(epochs):
        rate = float(optimizer.param_groups[0]["lr"])
        if not rates or rate != list(rates.values())[-1]:
            rates[epoch] = rate
        optimizer.step()
        for policy in policies:
            if policy.is_due(epoch):
                made[policy.lr_scheduler.instance_name].step()
    return rates


_Make = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]


def _read(path: Path, place: Place) -> tuple[dict[str, _Make], list[_Policy]]:
    try:
        root = compose_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        fix = "check indentation and colons"
        raise InputError("is not YAML", where=str(path), fix=fix) from error
    sections = {key.value: (key, node) for key, node in _pairs(root)}
    problems: list[ToolError] = []
    for name, (key, _) in sections.items():
        if name not in ("version", "lr_schedulers", "policies"):
            where, fix = (place / name).at(key), "leave it out, or train with the vendor's tool"
            problems.append(UnsupportedError("is not about learning rates", where=where, fix=fix))
    for name in ("lr_schedulers", "policies"):
        if name not in sections:
            problems.append(InputError(f"lacks `{name}`", where=str(path)))
    raise_all(problems)
    here = place / "lr_schedulers"
    schedulers: dict[str, _Make] = {}
    for key, node in _pairs(sections["lr_schedulers"][1]):
        try:
            schedulers[key.value] = _scheduler(node, here / key.value)
        except ToolError as problem:
            problems.append(problem)
    policies = list(_policies(sections["policies"][1], schedulers, place / "policies", problems))
    raise_all(problems)
    return schedulers, policies


def _scheduler(node: yaml.Node, place: Place) -> _Make:
    """Read a class and its arguments."""
    values = {key.value: (key, value) for key, value in _pairs(node)}
    if "class" not in values:
        raise place.problem(node, "lacks `class`")
    kind = values.pop("class")[1]
    if not isinstance(kind, yaml.ScalarNode):
        raise (place / "class").problem(kind, "must be a name")
    if kind.value not in _SCHEDULERS:
        fix = f"known are: {', '.join(_SCHEDULERS)}"
        where = (place / "class").at(kind)
        raise UnsupportedError(f"{kind.value} is no scheduler known here", where=where, fix=fix)
    known = _SCHEDULERS[kind.value]
    for name, (key, _) in values.items():
        if name not in known:
            fix = f"{kind.value} takes {', '.join(known)}"
            raise (place / name).problem(key, "is an unknown key", fix)
    for name in known:
        if name in _REQUIRED and name not in values:
            raise place.problem(node, f"lacks `{name}`")
    arguments = {name: _argument(name, value, place / name) for name, (_, value) in values.items()}
    return lambda optimizer: getattr(lr_scheduler, kind.value)(optimizer, **arguments)


def _argument(name: str, node: yaml.Node, place: Place) -> Any:
    """Read a number, or a list of epochs."""
    convert: Callable[[str], float] = int if name in _WHOLE else float
    try:
        if name == "milestones":
            return [int(one.value) for one in node.value]
        return convert(node.value)
    except (ValueError, TypeError, AttributeError):
        words = "a list of epochs" if name == "milestones" else "a number"
        raise place.problem(node, f"must be {words}") from None


def _policies(
    node: yaml.Node, names: Mapping[str, object], place: Place, problems: list[ToolError]
) -> Iterator[_Policy]:
    for entry in node.value if isinstance(node, yaml.SequenceNode) else ():
        keys = [key.value for key, _ in _pairs(entry)]
        others = [key for key in keys if key in ("pruner", "regularizer", "quantizer", "extension")]
        if others:
            why, fix = f"{others[0]}: is not about learning rates", "leave the policy out"
            problems.append(UnsupportedError(why, where=place.at(entry), fix=fix))
            continue
        try:
            policy = read_section(entry, _Policy, place)
        except ToolError as problem:
            problems.append(problem)
            continue
        assert isinstance(policy, _Policy)
        if policy.lr_scheduler.instance_name not in names:
            why = f"there is no scheduler {policy.lr_scheduler.instance_name!r}"
            problems.append(place.problem(entry, why, f"there are: {', '.join(names)}"))
        yield policy


def _pairs(node: yaml.Node | None) -> list[tuple[Any, Any]]:
    return node.value if isinstance(node, yaml.MappingNode) else []
