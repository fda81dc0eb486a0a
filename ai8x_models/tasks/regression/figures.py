"""What a report shows of numbers: answers over what they should be, and how errors are spread."""

from collections.abc import Sequence

from ai8x_models.tasks.regression.scores import N_SHOWN, NumberScores
from ai8x_models.tasks.sampled.charts import Series, chart, histogram, html_table

_MAX_CLOUDS = 6  # numbers of an answer that have a colour each


def number_figures(scores: NumberScores) -> Sequence[tuple[str, str]]:
    """Titles and their SVG or HTML."""
    n_numbers = scores.targets.shape[1]
    spread = histogram(scores.errors)
    sides = "root of the mean squared error of an example", "examples"
    errors = "How errors are spread", chart("errors of examples", sides, [spread])
    if n_numbers > N_SHOWN:
        return (errors,)
    rows = (
        (str(index), f"{mae:.4g}", f"{rmse:.4g}", "-" if r2 is None else f"{r2:.3f}")
        for index, (mae, rmse, r2) in enumerate(scores.by_number)
    )
    table = "Numbers", html_table(("number", "MAE", "RMSE", "R2"), rows)
    sides = "what it should be", "what was answered"
    title = "Answers over targets"
    return (title, chart(title, sides, _clouds(scores), ideal=True)), errors, table


def _clouds(scores: NumberScores) -> list[Series]:
    n_numbers = scores.targets.shape[1]
    if n_numbers > _MAX_CLOUDS:
        return [Series("", scores.targets.ravel(), scores.answers.ravel(), is_line=False)]
    return [
        Series(f"number {place}", scores.targets[:, place], scores.answers[:, place], is_line=False)
        for place in range(n_numbers)
    ]
