"""What a rule is: an id, a check, and the kind of refusal. No rule is here."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from max78000.errors import ToolError, UnsupportedError
from max78000.facts.chip import Chip

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: what is wrong, with numbers, where, and what to do."""

    why: str
    where: str = field(kw_only=True)
    fix: str = field(default="", kw_only=True)


Check = Callable[[Subject, Chip], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule(Generic[Subject]):
    """A limit of the chip or of the language.

    `error` is the refusal raised; None makes the rule a warning. The check's docstring explains it.
    `can_be_allowed` marks rules without which the program is still what it says: what is doubtful
    is what silicon makes of it.
    """

    id: str
    check: Check[Subject]
    error: type[ToolError] | None = UnsupportedError
    can_be_allowed: bool = False

    @property
    def manual(self) -> str:
        """The rule in full, for `--explain`."""
        return inspect.getdoc(self.check) or ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a set of rules found: refusals, and warnings that do not stop the compiler."""

    errors: tuple[ToolError, ...]
    warnings: tuple[str, ...]


def apply_rules(
    rules: Iterable[Rule[Subject]], subject: Subject, chip: Chip, allowed: frozenset[str]
) -> Verdict:
    """Run all rules; violations of those named in `allowed` become warnings."""
    errors: list[ToolError] = []
    warnings: list[str] = []
    for rule in rules:
        for finding in rule.check(subject, chip):
            if rule.error is None or rule.id in allowed:
                problem = ToolError(finding.why, where=finding.where, fix=finding.fix, rule=rule.id)
                warnings.append(str(problem))
            else:
                errors.append(
                    rule.error(finding.why, where=finding.where, fix=finding.fix, rule=rule.id)
                )
    return Verdict(tuple(errors), tuple(warnings))
