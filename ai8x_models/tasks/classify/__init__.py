"""Classification: which of a few things is it? For networks and data of any kind."""
