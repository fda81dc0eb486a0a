"""`ai8x evaluate`: how good answers are, and whether the accelerator's are equal."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ai8x_models.tasks.sampled.commands.options import DATA, MODEL, SPLIT
from ai8x_models.training.first_look import look_at
from max78000.command import FILE, INPUT_FILE, JSON, OVERWRITE, examples
from max78000.errors import ToldError, ToolError
from max78000.files import make_folder, refuse_existing, refuse_inputs, write_whole

if TYPE_CHECKING:
    from ai8x_models.tasks.sampled.machine import Agreement


@click.command(
    epilog=examples(
        "ai8x evaluate runs/digits/digits.pth.tar build/digits-q.pth.tar",
        "ai8x evaluate build/digits-q.pth.tar --machine 16 --project build/digits --json",
    )
)
@click.argument("checkpoints", nargs=-1, required=True, type=INPUT_FILE)
@SPLIT
@DATA
@MODEL
@click.option("--machine", "n_compared", type=click.IntRange(1), help="Compare on N examples.")
@click.option("--project", type=FILE, help="For --machine: folder that `synthesize` wrote.")
@click.option("--report", "page", type=FILE, help="Write a page with pictures there, .html.")
@OVERWRITE
@JSON
def evaluate(
    *,
    checkpoints: tuple[Path, ...],
    split: str,
    source: str,
    word: str,
    n_compared: int | None,
    project: Path | None,
    page: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score trained networks.

    Float, quantization-aware or integer; with --machine, the answers of the simulated accelerator
    have to be equal to those of the last of CHECKPOINTS, bit for bit.
    """
    if (n_compared is None) != (project is None):
        raise click.UsageError("--machine and --project go together")
    _check_files(checkpoints, page, overwrite)
    from ai8x_models.checkpoint import load_checkpoint
    from ai8x_models.tasks.sampled.machine import compare_with_machine
    from ai8x_models.tasks.sampled.report import Evaluated, report_page
    from ai8x_models.tasks.sampled.stored import load_trained, stored_samples
    from ai8x_models.training.logs import Console
    from ai8x_models.training.score_row import Asked, score_row

    console, rows = Console(sys.stderr), {}
    evaluated = []
    for path in checkpoints:
        network = load_trained(path, word)
        checkpoint = load_checkpoint(path)
        samples = stored_samples(checkpoint, split, path, source)
        with console.progress(f"evaluating {path}", quiet=True) as progress:
            answers = network.answers_on(samples, progress)
        scores = network.answer.score(answers, samples.targets)
        name = f"{path} ({network.mode.name.lower()})"
        asked = Asked(path, network.mode, checkpoint.extras["task"], split, len(samples))
        rows[name] = score_row(asked, scores.to_json())
        evaluated.append(Evaluated(str(path), network, answers, scores))
        if not as_json:
            click.echo("\n".join((f"{name}: {scores.summary} of {split}", scores.to_text(), "")))
    agreement = None
    if n_compared is not None and project is not None:
        with console.progress("simulating", quiet=True) as progress:
            agreement = compare_with_machine(network, project, samples, n_compared, progress)
        rows[name]["machine"] = agreement.to_json()
    if page is not None:
        make_folder(page.parent)
        write_whole(page, report_page(evaluated, samples, split, agreement).encode())
        console.line(f"{page}")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif agreement is not None:
        click.echo(agreement.to_text())
    if agreement is not None and agreement.differences:
        raise _refused(agreement, project)


def _check_files(checkpoints: tuple[Path, ...], page: Path | None, overwrite: bool) -> None:
    """Refuse what cannot be written or read before PyTorch is loaded."""
    refuse_existing(page, overwrite)
    refuse_inputs(page, checkpoints)
    look_at(checkpoints=checkpoints)


def _refused(agreement: "Agreement", project: Path | None) -> ToldError:
    n_different = len(agreement.differences)
    why = f"{n_different} of {agreement.n_examples} answers differ from PyTorch's"
    fix = "compile the same checkpoint again; `max78000 compare` names the layer"
    return ToldError([ToolError(why, where=str(project), fix=fix)])
