"""Changes of a network as a table of text: what it takes as it is, and with each of them."""

from collections.abc import Iterator

from synthesis.report.change import change_of
from synthesis.report.report import Report, VariantReport

UNCHANGED = "as it is"


def heading(report: Report) -> tuple[str, ...]:
    """Names of the columns; cycles and time of layers that stream are marked as estimates."""
    guessed = " (est.)" if report.cycles.is_estimate else ""
    return (
        "change", f">cycles{guessed}", ">change", f">ms{guessed}", ">weights", ">change",
        ">uJ an answer", ">uJ to load",
    )  # fmt: skip


def variant_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """A row for the network as it is and one for each variant; below the names of `heading`.

    Cycles, milliseconds and microjoules are of one answer, weights are bytes; energies are
    estimates.
    """
    yield _row(UNCHANGED, report, None)
    for variant in report.variants or ():
        yield _row(variant.change, variant.report, report)


def ways(variants: tuple[VariantReport, ...]) -> Iterator[str]:
    """How to make each of them."""
    for variant in variants:
        yield f"{variant.change}: {variant.how}"


def _row(name: str, report: Report, present: Report | None) -> tuple[str, ...]:
    cycles = present.cycles.total if present is not None else None
    weights = present.weights.used if present is not None else None
    return (
        name,
        f"{report.cycles.total:,}",
        change_of(report.cycles.total, cycles),
        f"{report.milliseconds:.2f}",
        f"{report.weights.used:,}",
        change_of(report.weights.used, weights),
        f"{report.answer_uj:.1f}",
        f"{report.load_uj:.1f}",
    )
