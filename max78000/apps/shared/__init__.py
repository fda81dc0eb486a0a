"""What applications share: the protocol of the serial line, C for all of them."""
