"""Files to values: descriptions, checkpoints, samples."""
