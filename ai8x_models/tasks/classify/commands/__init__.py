"""The verbs of classification, one file each."""
