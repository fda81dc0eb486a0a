"""Several networks in one firmware: requests in, the firmware or a refusal out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from max78000.errors import ProblemList, ToolError, raise_all
from synthesis.api.network import CompiledNetwork, Request, compile_files, need_files
from synthesis.compile import Combined, combine
from synthesis.emit.checks import project_parts
from synthesis.emit.flash_size import check_parts, sum_of_parts
from synthesis.emit.together import Member, together_files
from synthesis.emit.together_checks import member_problems, ram_warnings
from synthesis.emit.write import write_project
from synthesis.report.together import TogetherReport, moved_report, report_together


@dataclass(frozen=True, slots=True)
class CompiledTogether:
    """Networks in one firmware.

    Attributes:
        name: of the firmware.
        networks: each by itself, with its weights and biases where they lie among the others.
        combined: the same as the compiler has them, and who is loaded over whom.
        report: what they take together, and what a switch costs.
    """

    name: str
    networks: tuple[CompiledNetwork, ...]
    combined: Combined
    report: TogetherReport

    @property
    def warnings(self) -> tuple[str, ...]:
        """Of each network, with its name; and what only shows when they are together."""
        return self.report.warnings

    def write(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the C project, whole or not at all; raises as `CompiledNetwork.write`."""
        for network in self.networks:
            need_files(network.request.files)
        first = self.networks[0].request
        members = [
            Member(network.stages, network.report, network.request.files, displaced)
            for network, displaced in zip(self.networks, self.combined.displaced, strict=True)
        ]
        contents = together_files(members, self.report, first.project, first.chip)
        write_project(Path(folder), contents, overwrite=overwrite)
        return Path(folder)


def compile_together(requests: Sequence[Request], name: str) -> CompiledTogether:
    """Compile networks for one firmware.

    Args:
        requests: of each network; `options.name` begins the names of its C functions. Chip and C
            options are those of the first, the input path is the same for all.
        name: of the firmware.
    Raises:
        ToolError: what is wrong with any of the networks, all at once; or that they do not fit the
            flash together.
    """
    files, options = [one.files.network for one in requests], [one.options for one in requests]
    problems = list(member_problems(files, options, [one.input_path for one in requests]))
    alone: list[CompiledNetwork] = []
    for request in requests:
        try:
            alone.append(compile_files(request))
        except ToolError as error:
            problems += error.problems if isinstance(error, ProblemList) else (error,)
    raise_all(problems)
    first = requests[0]
    combined = combine([network.stages for network in alone], first.chip, first.allowed)
    networks = tuple(
        replace(network, stages=moved, report=moved_report(network.report, moved, first.chip))
        for network, moved in zip(alone, combined.networks, strict=True)
    )
    report = report_together(name, combined, [network.report for network in networks], first.chip)
    parts = [project_parts(moved, first.project, first.chip) for moved in combined.networks]
    of_flash = check_parts(sum_of_parts(parts), first.chip, name, of_several=True)
    of_ram = ram_warnings(name, combined.networks, first.project, first.chip)
    report = replace(report, warnings=(*report.warnings, *of_flash, *of_ram))
    return CompiledTogether(name, networks, combined, report)
