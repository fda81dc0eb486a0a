"""The pose task: skeleton, rendered figures, targets, decoder, metrics."""
