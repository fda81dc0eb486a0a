"""Networks of one firmware -> every file of its folder, as text.

C files lie side by side, named after their networks; what is not compiled lies in a folder for each
network, as in a project of it alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from max78000.facts.chip import Chip
from synthesis.compile import Compiled
from synthesis.emit.c_template import c_template
from synthesis.emit.layer_files import layer_files, provenance
from synthesis.emit.options import ProjectOptions
from synthesis.emit.other_builds import other_builds
from synthesis.emit.project import (
    FINISH_FILES,
    ProjectFacts,
    data_headers,
    option_context,
    power_context,
    project_context,
)
from synthesis.emit.whole_project import host_files, project_facts
from synthesis.read.files import Files
from synthesis.report.report import Report
from synthesis.report.together import TogetherReport, summary_lines, to_html, to_json
from synthesis.version import VERSION

TEST = "test.c"  # of each network


@dataclass(frozen=True, slots=True)
class Member:
    """One of the networks.

    Attributes:
        compiled: in its final place.
        report: of it.
        files: that it was compiled from.
        displaced: the networks, by number, over which it is loaded.
    """

    compiled: Compiled
    report: Report
    files: Files
    displaced: tuple[int, ...]

    @property
    def name(self) -> str:
        """What its functions, files and folder begin with."""
        return self.compiled.options.name

    def file(self, name: str) -> str:
        """A file of a project, as it is called here."""
        return f"{self.name}_{name}"


@dataclass(frozen=True, slots=True)
class _Notes:
    """What the C of a network says of it among the others: bits of the shared variables."""

    bit: str
    overwrites: str  # its own bit too, while it is loaded
    stays: str


def together_files(
    members: Sequence[Member], report: TogetherReport, options: ProjectOptions, chip: Chip
) -> dict[str, str]:
    """File name -> text; same inputs, same bytes.

    Args:
        members: the networks, in order.
        report: of all of them.
        options: of the C code, the same for all.
        chip: address map.
    """
    texts: dict[str, str] = {}
    for index, member in enumerate(members):
        facts = project_facts(member.compiled, member.report, member.files, options, chip)
        texts |= _member_files(index, members, facts, options, chip)
        hosted = {
            **host_files(member.compiled, member.report, member.files, facts, chip),
            **layer_files(member.compiled, member.files, options, chip),
        }
        texts |= {f"{member.name}/{name}": text for name, text in hosted.items()}
    return texts | _shared_files(members, report, options, chip, ("cnn.c", *texts))


def _shared_files(
    members: Sequence[Member],
    report: TogetherReport,
    options: ProjectOptions,
    chip: Chip,
    own: Iterable[str],
) -> dict[str, str]:
    """What is there once, besides the networks' own files."""
    graphs = [member.compiled.placement.placed_graph for member in members]
    quadrants = sorted({quadrant for graph in graphs for quadrant in graph.quadrants})
    context = {
        **option_context(options),
        **power_context(quadrants, chip, streams=any(graph.n_streaming for graph in graphs)),
        "is_shared": True,
        "name": report.name,
        "chip": chip.name,
        "version": VERSION,
        "provenance": [line for member in members for line in provenance(member.files)],
        "summary": tuple(summary_lines(report)),
        "members": [{"name": member.name, "p": f"{member.name}_"} for member in members],
        "is_fed": graphs[0].input_path.is_fifo,
    }
    templates = {
        "cnn.c": "control.c",
        "cnn.h": "control.h",
        "main.c": "members_main.c",
        "Makefile": "Makefile",
        "project.mk": "project.mk",
    }
    tests = tuple(member.file(TEST) for member in members)
    return {
        **{name: c_template(template).render(context) for name, template in templates.items()},
        **other_builds(context, options, own, ("main.c", *tests)),
        "report.json": to_json(report),
        "report.html": to_html(report),
    }


def _member_files(
    index: int,
    members: Sequence[Member],
    facts: ProjectFacts,
    options: ProjectOptions,
    chip: Chip,
) -> dict[str, str]:
    """The C of one network."""
    member = members[index]
    names = options.names
    assert names.sample_output is not None
    own = replace(
        names,
        weights=member.file(names.weights),
        sample=member.file(names.sample),
        sample_output=member.file(names.sample_output),
    )
    options = replace(options, names=own)
    context = {
        **project_context(member.compiled.program, facts, options, chip),
        "p": f"{member.name}_",
        "P": f"{member.name.upper()}_",
        "member": _notes(index, members),
    }

    def render(template: str, **more: Any) -> str:
        return c_template(template).render(context, **more)

    files = {
        name: render("arrays.h", title=title, arrays=arrays)
        for name, title, arrays in data_headers(member.compiled.program, options, chip)
    }
    files |= {
        member.file("cnn.c"): render("member.c"),
        member.file("cnn.h"): render("member.h"),
        member.file(TEST): render("member_test.c"),
    }
    if facts.finish is not None:
        files |= {member.file(name): render(name) for name in FINISH_FILES}
    return files


def _notes(index: int, members: Sequence[Member]) -> _Notes:
    displaced = members[index].displaced
    others = " and ".join(members[other].name for other in displaced)
    over = f"They lie where those of {others} do: they are loaded again after these."
    mask = sum(1 << other for other in (index, *displaced))
    return _Notes(
        bit=f"0x{1 << index:x}u",
        overwrites=f"0x{mask:x}u",
        stays=over if displaced else "They are loaded once, and stay until cnn_disable().",
    )
