"""Other forms of a network, found by trying: what makes it fit, and what a change would bring."""
