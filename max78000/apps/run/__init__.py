"""`max78000 run`: inputs to a board, answers of its network back."""
