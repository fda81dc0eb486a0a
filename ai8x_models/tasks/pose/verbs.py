"""What the pose task adds to the command line; mounted by entry point `ai8x.verbs`."""

from max78000.command import Verb

VERBS = (
    Verb(
        "compare",
        "ai8x_models.tasks.pose.commands.compare:compare",
        "Compare pose networks: what each costs, and what it sees.",
    ),
    Verb(
        "data",
        "ai8x_models.tasks.pose.commands.data:data",
        "Render labelled figures, or import pictures.",
    ),
    Verb("evaluate", "ai8x_models.tasks.pose.commands.evaluate:evaluate", "Score pose networks."),
    Verb("predict", "ai8x_models.tasks.pose.commands.predict:predict", "Find people in pictures."),
    Verb(
        "sample",
        "ai8x_models.tasks.pose.commands.sample:sample",
        "Write a picture as device input.",
    ),
)
