"""What classification adds to the command line; mounted by entry point `ai8x.verbs`."""

from max78000.command import Verb

VERBS = (
    Verb(
        "evaluate",
        "ai8x_models.tasks.classify.commands.evaluate:evaluate",
        "Score networks that tell classes apart.",
    ),
    Verb(
        "predict",
        "ai8x_models.tasks.classify.commands.predict:predict",
        "Say what pictures show.",
    ),
    Verb(
        "sample",
        "ai8x_models.tasks.classify.commands.sample:sample",
        "Write an example as device input.",
    ),
)
