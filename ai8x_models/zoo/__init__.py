"""Networks, one readable class each."""
