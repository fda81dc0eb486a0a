"""The search: trials one after another, in one process or in several, until there are enough.

Optuna draws (TPE), and keeps what came of it in a journal that all processes share. What a trial is
says `candidate.py`. A search that was killed goes on with `resume`.
"""

import io
import os
from functools import partial
from typing import TextIO

import optuna
import torch
from optuna.exceptions import TrialPruned
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from ai8x_models.training.logs import Console
from ai8x_models.training.search.candidate import REASON, Workshop, try_out
from ai8x_models.training.search.journal import (
    SAME_AS,
    create_study,
    finished,
    n_counted,
    open_study,
    presence,
    resume_study,
    sampler,
)
from ai8x_models.training.search.plan import SearchPlan
from ai8x_models.training.search.results import Results
from ai8x_models.training.workers import done_by_processes
from max78000.errors import ToolError

PATIENCE = 30  # draws in a row of networks that there were already, after which a search ends


def search(
    plan: SearchPlan, n_trials: int, stream: TextIO, n_workers: int = 1, resume: bool = False
) -> Results:
    """Try networks out until there are as many trials as asked for, those of before included.

    Args:
        plan: what is searched for.
        n_trials: in all; those that do not fit count.
        stream: one line a trial goes there.
        n_workers: processes; they share the processor's cores.
        resume: go on with a search that was interrupted, or with more trials.

    Raises:
        InputError: data, family or journal are not there, or do not go together.
        ToolError: no network could be trained.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    workshop = Workshop(plan, Console(io.StringIO()))
    workshop.open()
    with presence(plan.journal, alone=True):
        study = resume_study(plan) if resume else create_study(plan, workshop.score_name)
        left = max(0, n_trials - n_counted(study))
        if n_workers == 1:
            _work(plan, n_trials, left, 0, stream, workshop)
        elif left:
            _work_in_processes(plan, n_trials, left, min(n_workers, left))
    results = Results.of(open_study(plan.journal))
    if not results.trained:
        reasons = [row.reason for row in results.rows if row.reason]
        why = f"none of {len(results.rows)} networks was trained; the last one: {reasons[-1]}"
        raise ToolError(why, where=plan.family, fix="draw others, or allow more")
    return results


def _work_in_processes(plan: SearchPlan, n_trials: int, left: int, n_workers: int) -> None:
    """Share the trials that are left."""
    n_threads = max(1, torch.get_num_threads() // n_workers)
    shares = [(index, left // n_workers + (index < left % n_workers)) for index in range(n_workers)]
    work = partial(_work_alone, plan, n_trials, n_threads)
    with done_by_processes(work, shares, n_workers) as done:
        list(done)


def _work_alone(plan: SearchPlan, n_trials: int, n_threads: int, work: tuple[int, int]) -> None:
    """Do a share of the trials in a process of one's own; the work is its number, and how many."""
    index, share = work
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(n_threads)
    with presence(plan.journal, alone=False), open(2, "w", closefd=False) as stream:
        _work(plan, n_trials, share, index, stream, Workshop(plan, Console(io.StringIO())))


def _work(
    plan: SearchPlan, n_trials: int, share: int, index: int, stream: TextIO, workshop: Workshop
) -> None:
    """Do some trials."""
    study, parent, shown = open_study(plan.journal), os.getppid(), Console(stream)
    n_done = n_repeated = 0
    while n_done < share and n_repeated < PATIENCE and os.getppid() == parent:  # or it is gone
        trial = _next_trial(study, plan, index, workshop)
        if SAME_AS in trial.user_attrs:
            n_repeated += 1
            continue
        n_done, n_repeated = n_done + 1, 0
        done = f"trial {trial.number} ({n_counted(study)} of {n_trials})"
        shown.line(f"{done}: {_outcome(trial, workshop.score_name)}")
    if n_repeated == PATIENCE:
        shown.line(f"{plan.family} has hardly any network that was not tried yet")


def _next_trial(study: Study, plan: SearchPlan, worker: int, workshop: Workshop) -> FrozenTrial:
    """Draw a network and see what comes of it."""
    study.sampler = sampler(plan, len(finished(study)), worker)
    trial = study.ask()
    try:
        study.tell(trial, try_out(trial, workshop))
    except TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    return study.get_trials(deepcopy=False)[trial.number]


def _outcome(trial: FrozenTrial, score_name: str) -> str:
    known = trial.user_attrs
    if trial.state is TrialState.PRUNED:
        return f"given up: {known.get(REASON, 'the family did not want it')}"
    figures = known["figures"]
    return (
        f"{score_name} {known['score']:.4f}, {figures['cycles']:,} cycles,"
        f" {figures['weight_bytes']:,} bytes of weights, {known['seconds']:.0f} s"
    )
