"""The loop and what it is given: recipe, losses, a teacher, logs. Knows no task."""
