"""The same network in words that the accelerator has: one small pass for each kind of sentence.

A pass takes a graph as recorded and gives one that computes the same numbers. Passes that add work
to the chip say what they did and what it costs; those that only read differently (`readings` in
`pipeline`) say nothing. What cannot be said in other words is left, and `convert` refuses it.
"""
