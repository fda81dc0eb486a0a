"""The few lines that `synthesize` prints of a network, and C files begin with."""

from synthesis.report.report import Budget, Report


def summary_lines(report: Report) -> tuple[str, ...]:
    """The budgets, the expected time and how good the answers are, for people."""
    words = report.busiest_processor_words
    return (
        f"weights {_budget(report.weights)}, "
        f"busiest processor {words.used} of {words.available} words",
        f"biases  {_budget(report.biases)}",
        f"data    {_budget(report.data)} at the largest layer",
        f"{report.macs:,} multiply-accumulates in {report.cycles.total:,} cycles, "
        f"{report.milliseconds:.2f} ms at {report.clock_hz // 1_000_000} MHz",
        *(score.text for score in report.scores),
    )


def _budget(budget: Budget) -> str:
    return f"{budget.used:,} of {budget.available:,} bytes ({100 * budget.share:.0f} %)"
