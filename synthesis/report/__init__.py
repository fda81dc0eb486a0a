"""What a compiled network takes, does and answers: made from what was compiled, after it."""
