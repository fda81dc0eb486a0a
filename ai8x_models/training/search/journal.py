"""A study on disk: Optuna's journal, in a file that survives a kill at any moment.

Optuna's own locks are files that a killed process leaves behind; this one is the system's, which
goes with the process. What was half written is cut off when a study is opened to go on.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import optuna
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ai8x_models.training.search.plan import SCORE, SearchPlan
from max78000.errors import InputError
from max78000.files import make_folder, write_whole, writing

PLAN, SCORE_NAME, RETRIES, SAME_AS = "plan", "score_name", "retries", "same_as"
N_STARTUP = 10  # trials that are drawn blindly, before there is something to learn from


class _SystemLock:
    """The system's lock on a file beside the journal, as Optuna asks for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Wait for it."""
        with writing(self._path):
            self._file = self._path.open("wb")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            self._file.close()
            self._file = None


class _Journal(JournalFileBackend):
    """Optuna's file, which says its name when the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lock: Any = _SystemLock(path.with_name(f"{path.name}.lock"))
        super().__init__(str(path), lock)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write lines; raises `InputError` if that cannot be."""
        with writing(self._path):
            super().append_logs(logs)


def create_study(plan: SearchPlan, score_name: str) -> Study:
    """Begin a study.

    Args:
        plan: what is searched for.
        score_name: the task's name for what is to be high.

    Raises:
        InputError: there is one already.
    """
    if plan.journal.exists():
        fix = "--resume continues it, --overwrite starts again, --study names another file"
        raise InputError("holds a search already", where=str(plan.journal), fix=fix)
    make_folder(plan.journal.parent)
    directions = [
        StudyDirection.MAXIMIZE if name == SCORE else StudyDirection.MINIMIZE
        for name in plan.objectives
    ]
    study = optuna.create_study(
        storage=_storage(plan.journal), study_name=plan.name, directions=directions
    )
    study.set_user_attr(SCORE_NAME, score_name)
    study.set_user_attr(PLAN, plan.to_json())
    return study


def open_study(journal: Path) -> Study:
    """Open a study that is there.

    Raises:
        InputError: there is none, or the file is something else.
    """
    if not journal.is_file():
        raise InputError("there is no such search", where=str(journal), fix="name its journal")
    try:
        storage = _storage(journal)
        (name,) = optuna.get_all_study_names(storage)
        study = optuna.load_study(study_name=name, storage=storage)
        study.user_attrs[PLAN]
    except (ValueError, KeyError, TypeError) as error:
        fix = "name the journal of `ai8x search`"
        raise InputError("is no journal of a search", where=str(journal), fix=fix) from error
    return study


def resume_study(plan: SearchPlan) -> Study:
    """Open a study to go on with it: trials that were interrupted are put in line again.

    Raises:
        InputError: there is none, or it is of another plan.
    """
    _cut_tail(plan.journal)
    study = open_study(plan.journal)
    stored = study.user_attrs[PLAN]
    changed = [name for name, value in plan.to_json().items() if stored[name] != value]
    if changed:
        why = f"was begun with another {', '.join(changed)}"
        fix = "give the same words again, or begin another with --study"
        raise InputError(why, where=str(plan.journal), fix=fix)
    trials = study.get_trials(deepcopy=False)
    retried = {trial.user_attrs.get(RETRIES) for trial in trials}
    for trial in trials:
        if trial.state is not TrialState.RUNNING:
            continue
        if trial.number not in retried and trial.params:  # else it was put in line, and no more
            study.enqueue_trial(trial.params, user_attrs={RETRIES: trial.number})
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def finished(study: Study) -> list[FrozenTrial]:
    """Trials that came to an end; those that failed were interrupted, and are done again."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def n_counted(study: Study) -> int:
    """Trials of networks that are no other trial's."""
    return sum(SAME_AS not in trial.user_attrs for trial in finished(study))


def sampler(plan: SearchPlan, n_done: int, worker: int) -> TPESampler:
    """What draws the next trial.

    Its numbers depend on how many trials are done, so that a search that was killed goes on as if
    nothing had happened; and on the worker, so that no two begin alike.
    """
    seed = (plan.seed * 10_007 + n_done) * 64 + worker
    return TPESampler(seed=seed, n_startup_trials=N_STARTUP, constant_liar=True)


@contextmanager
def presence(journal: Path, alone: bool) -> Iterator[None]:
    """Let it be known that a process works on a study; the system forgets it with the process.

    Args:
        journal: of the study.
        alone: refuse if another process does.

    Raises:
        InputError: another process does.
    """
    make_folder(journal.parent)
    busy = journal.with_name(f"{journal.name}.busy")
    with writing(busy):
        opened = busy.open("wb")
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        except BlockingIOError:
            why = "another process searches here"
            raise InputError(why, where=str(journal), fix="wait for it, or end it") from None
        fcntl.flock(file, fcntl.LOCK_SH)  # workers come in
        yield


def _storage(journal: Path) -> JournalStorage:
    return JournalStorage(_Journal(journal))


def _cut_tail(journal: Path) -> None:
    """Drop a last line that a kill left unfinished."""
    if not journal.is_file():
        return
    contents = journal.read_bytes()
    whole = contents[: contents.rfind(b"\n") + 1]
    if whole != contents:
        write_whole(journal, whole)
