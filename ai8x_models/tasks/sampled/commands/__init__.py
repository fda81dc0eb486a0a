"""The verbs that ask a trained network, one file each."""
