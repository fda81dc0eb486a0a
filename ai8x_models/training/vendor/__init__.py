"""The command line of the vendor's trainer: its options, and what they mean here."""
