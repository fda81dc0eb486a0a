"""The verbs of the pose task, one file each."""
