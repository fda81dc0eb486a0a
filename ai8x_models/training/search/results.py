"""What came of a search: a row a trial, the best compromises among them, and their tables."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from ai8x_models.training.search.candidate import REASON, SECONDS
from ai8x_models.training.search.journal import PLAN, SAME_AS, SCORE_NAME, finished

_HEADS = ("trial", "score", "low", "high", "cycles", "weight_bytes", "milliseconds", "energy_uj")


@dataclass(frozen=True, slots=True)
class Row:
    """A trial.

    Args:
        number: of the trial.
        params: what was drawn.
        score: of the integers on the validation examples; None if it was not trained.
        interval: where the score lies with 95 % confidence, if the task says it.
        figures: the compiler's, by name; empty if it refused.
        reason: why it was given up; empty if it was not.
        seconds: that it took.
        is_best: no other trial is better in one objective and as good in all.
    """

    number: int
    params: Mapping[str, Any]
    score: float | None
    interval: tuple[float, float] | None
    figures: Mapping[str, float]
    reason: str
    seconds: float | None
    is_best: bool

    @classmethod
    def of(cls, trial: FrozenTrial, is_best: bool) -> "Row":
        """Read it out of Optuna's."""
        known = trial.user_attrs
        is_pruned = trial.state is TrialState.PRUNED
        interval = known.get("interval")
        return cls(
            trial.number,
            trial.params,
            known.get("score"),
            None if interval is None else (interval[0], interval[1]),
            known.get("figures", {}),
            known.get(REASON, "pruned by the family") if is_pruned else "",
            known.get(SECONDS),
            is_best,
        )

    @property
    def drawn(self) -> str:
        """What was drawn, in words."""
        return " ".join(f"{name}={value}" for name, value in self.params.items())

    def numbers(self) -> dict[str, Any]:
        """Its numbers by the heads of a table."""
        low, high = self.interval or (None, None)
        return {
            "trial": self.number,
            "score": self.score,
            "low": low,
            "high": high,
            **{name: self.figures.get(name) for name in _HEADS[4:]},
        }

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        more = {"is_best": self.is_best, "seconds": self.seconds, "reason": self.reason}
        return {**self.numbers(), **more, "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class Results:
    """All trials that came to an end, in their order, each network once."""

    name: str
    family: str
    score_name: str
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, study: Study) -> "Results":
        """Read them out of a study."""
        done = [trial for trial in finished(study) if SAME_AS not in trial.user_attrs]
        is_any_complete = any(trial.state is TrialState.COMPLETE for trial in done)
        best = {trial.number for trial in study.best_trials} if is_any_complete else set()
        rows = tuple(Row.of(trial, trial.number in best) for trial in done)
        known = study.user_attrs
        return cls(study.study_name, known[PLAN]["family"], known[SCORE_NAME], rows)

    @property
    def trained(self) -> tuple[Row, ...]:
        """Those with a score."""
        return tuple(row for row in self.rows if not row.reason)

    @property
    def front(self) -> tuple[Row, ...]:
        """The best compromises, the quickest first."""
        best = (row for row in self.rows if row.is_best)
        return tuple(sorted(best, key=lambda row: (row.figures["cycles"], -(row.score or 0))))

    def row(self, number: int) -> Row | None:
        """The trial of this number."""
        return next((row for row in self.rows if row.number == number), None)

    def to_text(self) -> str:
        """The best compromises as a table, and what became of the others."""
        heads = ("trial", self.score_name, "95 %", "cycles", "weight bytes", "ms", "uJ", "drawn")
        lines = [heads, *map(_cells, self.front)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [
            "  ".join(
                cell.ljust(width) if place == len(widths) - 1 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join((*table, "", *self._summary()))

    def _summary(self) -> tuple[str, ...]:
        given_up = Counter(row.reason for row in self.rows if row.reason)
        head = (
            f"{len(self.rows)} trials: {len(self.front)} best compromises of"
            f" {len(self.trained)} trained, {given_up.total()} given up"
        )
        return head, *(f"  {count} x {reason}" for reason, count in given_up.most_common())

    def to_csv(self) -> str:
        """All trials, a line each; what was drawn in columns of its own."""
        drawn = list(dict.fromkeys(name for row in self.rows for name in row.params))
        text = io.StringIO()
        fields = [*_HEADS, "is_best", "seconds", "reason", *drawn]
        table = csv.DictWriter(text, fields, restval="", lineterminator="\n")
        table.writeheader()
        for row in self.rows:
            data = row.to_json()
            table.writerow({**data.pop("params"), **data})
        return text.getvalue()

    def to_json(self) -> str:
        """All trials."""
        data = {
            "name": self.name,
            "family": self.family,
            "score": self.score_name,
            "trials": [row.to_json() for row in self.rows],
        }
        return json.dumps(data, indent=2) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    low, high = row.interval or (None, None)
    return (
        str(row.number),
        f"{row.score:.4f}",
        "-" if low is None else f"{low:.4f}..{high:.4f}",
        f"{row.figures['cycles']:,}",
        f"{row.figures['weight_bytes']:,}",
        f"{row.figures['milliseconds']:.3f}",
        f"{row.figures['energy_uj']:.1f}",
        row.drawn,
    )
