"""What a finding is, and how two of them are told apart."""

import traceback
from pathlib import Path

from max78000.errors import InternalError, ToolError


class Slow(Exception):
    """An input took longer than it may."""


class Greedy(Exception):
    """An input took more memory than it may."""


def all_of(*calls):
    """Call every function: a refusal by one must not hide what the next would do.

    Raises:
        ToolError: all refuse; the first refusal.
    """
    refusals = []
    for call in calls:
        try:
            call()
        except InternalError:
            raise
        except ToolError as error:
            refusals.append(error)
    if len(refusals) == len(calls):
        raise refusals[0]


def is_refusal(error, refusals=()):
    """Whether an exception is what a user can meet."""
    return isinstance(error, (ToolError, *refusals)) and not isinstance(error, InternalError)


def place_of(error):
    """Kind of a finding: the exception, and the last line of ours that it went through."""
    ours = [
        f"{Path(frame.filename).name}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if any(
            f"/{package}/" in frame.filename for package in ("max78000", "synthesis", "ai8x_models")
        )
    ]
    return f"{type(error).__name__} in {ours[-1] if ours else 'no file of ours'}"
