"""What the pose application adds to the command line: nothing, `max78000 run` asks `project.py`."""

from max78000.command import Verb

VERBS: tuple[Verb, ...] = ()
