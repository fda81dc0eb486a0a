"""What the network computes, and the oracle that computes it."""
