"""Several networks in one chip, as figures: what they take together, and what a switch costs.

Each network has a report of its own; here is what none of them can say alone.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from max78000.facts.chip import Chip
from max78000.program.program import Copy, RegisterProgram, Write
from synthesis.compile import Combined, Compiled
from synthesis.place.taken import words_of
from synthesis.report.report import Budget, Report, make_report
from synthesis.report.work import ACCURACY_FACTOR, SOURCE, Work, loading
from synthesis.version import VERSION

FORMAT = "max78000-together-1"
SWITCH_PHASES = ("init", "configure")


@dataclass(frozen=True, slots=True)
class MemberReport:
    """One network among others.

    Attributes:
        report: of it, with weights and biases in their final places.
        displaces: networks over which it is loaded; none: it is loaded once and stays.
        registers: what every switch to it writes.
        loading: weights and biases; after a switch only if it does not stay.
    """

    report: Report
    displaces: tuple[str, ...]
    registers: Work
    loading: Work

    @property
    def name(self) -> str:
        """Of the network, which begins the names of its C functions."""
        return self.report.name

    @property
    def stays(self) -> bool:
        """Nothing is loaded over it."""
        return not self.displaces

    @property
    def switch_us(self) -> float:
        """Time until it can take an input, after another has run."""
        return self.registers.microseconds + (0 if self.stays else self.loading.microseconds)

    @property
    def switch_uj(self) -> float:
        """Energy of that."""
        return self.registers.energy_uj + (0 if self.stays else self.loading.energy_uj)

    @property
    def work(self) -> Iterator[Work]:
        """What is done for it in a round, in which every network runs once; loading included."""
        yield replace(self.loading, name=f"{self.name} weights and biases")
        yield replace(self.registers, name=f"{self.name} registers")
        for one in self.report.work:
            if one.is_repeated:
                yield replace(one, name=f"{self.name} {one.name}")


@dataclass(frozen=True, slots=True)
class TogetherReport:
    """All that the top `report.json` says."""

    name: str
    chip: str
    members: tuple[MemberReport, ...]
    weights: Budget
    busiest_processor_words: Budget
    biases: Budget
    warnings: tuple[str, ...]

    @property
    def work(self) -> tuple[Work, ...]:
        """What is done in a round, and once before the first."""
        return tuple(one for member in self.members for one in member.work)


def moved_report(alone: Report, compiled: Compiled, chip: Chip) -> Report:
    """The report of a network whose weights and biases have moved; what it answers has not.

    Says nothing of flash and RAM: there is no project of this network alone.
    """
    cycles = compiled.program.cycles
    assert cycles is not None
    report = make_report(compiled.placement, cycles, alone.name, chip)
    return replace(
        report,
        accuracy=alone.accuracy,
        sample=alone.sample,
        run=alone.run,
        warnings=alone.warnings,
    )


def report_together(
    name: str, combined: Combined, reports: Sequence[Report], chip: Chip
) -> TogetherReport:
    """Collect the figures.

    Args:
        name: of the firmware.
        combined: the networks.
        reports: of each, by `moved_report`.
        chip: memory sizes.
    """
    names = [report.name for report in reports]
    members = tuple(
        MemberReport(
            report=report,
            displaces=tuple(names[other] for other in displaced),
            registers=loading("registers", _switch_words(compiled.program), is_repeated=True),
            loading=loading(
                "loading", sum(one.words for one in report.work[:2]), is_repeated=bool(displaced)
            ),
        )
        for compiled, report, displaced in zip(
            combined.networks, reports, combined.displaced, strict=True
        )
    )
    words = _words_in_use(combined, chip)
    return TogetherReport(
        name=name,
        chip=chip.name,
        members=members,
        weights=Budget(sum(words) * chip.kernel_word_bytes, chip.weight_bytes),
        busiest_processor_words=Budget(max(words), chip.kernel_words),
        biases=Budget(sum(_bias_ends(combined)), chip.bias_bytes),
        warnings=tuple(_warnings(members, combined)),
    )


def _switch_words(program: RegisterProgram) -> int:
    """Words that the core stores so that the accelerator can start."""
    operations = (op for name in SWITCH_PHASES for op in program.phase(name).operations)
    return sum(
        len(op.words) if isinstance(op, Copy) else int(isinstance(op, Write)) for op in operations
    )


def _words_in_use(combined: Combined, chip: Chip) -> list[int]:
    """Kernel words of each processor that any network uses; n_processors numbers."""
    of_each = [words_of(network.placement.kernels) for network in combined.networks]
    return [reduce(or_, (own[p] for own in of_each)).bit_count() for p in range(chip.n_processors)]


def _bias_ends(combined: Combined) -> Iterator[int]:
    of_each = [network.placement.biases.ends for network in combined.networks]
    return map(max, *of_each) if len(of_each) > 1 else iter(of_each[0])


def _warnings(members: Sequence[MemberReport], combined: Combined) -> Iterator[str]:
    for member, network in zip(members, combined.networks, strict=True):
        yield from (f"{member.name}: {warning}" for warning in member.report.warnings)
        if network.graph.buffer is not None:
            yield (
                f"{member.name}: its rolling buffer begins anew with zeros whenever another "
                "network has run (run it several times before it is asked)"
            )


def summary_lines(report: TogetherReport) -> Iterator[str]:
    """For people: memories, then each network: where it is, and what a switch to it costs."""
    words = report.busiest_processor_words
    yield (
        f"weights {_budget(report.weights)} for {len(report.members)} networks, "
        f"busiest processor {words.used} of {words.available} words"
    )
    yield f"biases  {_budget(report.biases)}"
    for member in report.members:
        stays = "stays in the chip" if member.stays else f"is loaded over {_listed(member)}"
        yield (
            f"{member.name}: {stays}; a switch to it takes {_time(member.switch_us)} and "
            f"{member.switch_uj:.2f} uJ, an inference {member.report.milliseconds:.2f} ms"
        )


def _time(time_us: float) -> str:
    return f"{time_us:.0f} us" if time_us < 1e3 else f"{time_us / 1e3:.2f} ms"


def _listed(member: MemberReport) -> str:
    return " and ".join(member.displaces)


def _budget(budget: Budget) -> str:
    return f"{budget.used:,} of {budget.available:,} bytes ({100 * budget.share:.0f} %)"


def to_json(report: TogetherReport) -> str:
    """The report as a file; same networks, same bytes."""
    data: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": report.name,
        "chip": report.chip,
        "weights": asdict(report.weights),
        "busiest_processor_words": asdict(report.busiest_processor_words),
        "biases": asdict(report.biases),
        "networks": [
            {
                "name": member.name,
                "report": f"{member.name}/report.json",
                "stays": member.stays,
                "displaces": list(member.displaces),
                "milliseconds": member.report.milliseconds,
                "switch_microseconds": member.switch_us,
                "switch_energy_uj": member.switch_uj,
            }
            for member in report.members
        ],
        "work": [asdict(work) for work in report.work],
        "energy": {"is_estimate": True, "accuracy_factor": ACCURACY_FACTOR, "source": SOURCE},
        "warnings": list(report.warnings),
    }
    return json.dumps(data, indent=1) + "\n"


def to_html(report: TogetherReport) -> str:
    """The report as a page, with links to those of the networks."""
    from synthesis.report.html import report_page  # noqa: PLC0415 - only pages need Jinja2

    return report_page("together.html.j2", report=report, energy_source=SOURCE, version=VERSION)
