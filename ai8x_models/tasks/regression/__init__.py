"""Regression: numbers, one or many. With the input as target: autoencoders."""
