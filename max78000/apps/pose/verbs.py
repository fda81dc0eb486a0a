"""What the pose application adds to the command line; mounted by entry point `max78000.verbs`."""

from max78000.command import Verb

VERBS = (
    Verb(
        "run",
        "max78000.apps.pose.run:run",
        "Find the people in PICTURE on a board, and draw them.",
    ),
)
