"""Kinds of work: what is learned, how it is scored, how an answer is shown."""
