"""Search among the networks of a family; `search.py` is where to start reading."""
