"""What tasks with samples add to the command line; mounted by entry point `ai8x.verbs`."""

from max78000.command import Verb

VERBS = (
    Verb(
        "evaluate",
        "ai8x_models.tasks.sampled.commands.evaluate:evaluate",
        "Score trained networks.",
    ),
    Verb(
        "predict",
        "ai8x_models.tasks.sampled.commands.predict:predict",
        "Say what pictures show.",
    ),
    Verb(
        "sample",
        "ai8x_models.tasks.sampled.commands.sample:sample",
        "Write an example as device input.",
    ),
)
