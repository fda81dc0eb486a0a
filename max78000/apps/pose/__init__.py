"""The pose application: its C, its protocol, its client and its command; see README.md."""
