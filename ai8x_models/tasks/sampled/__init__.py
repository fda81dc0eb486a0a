"""Tasks whose examples are samples in the chip's form: what is the same whatever they are asked.

A task of this kind is a folder beside this one: a loss, scores, and how an answer is shown. Here
are examples in memory, the trained network as a function, the comparison with the accelerator, and
the verbs `evaluate`, `predict` and `sample`.
"""
