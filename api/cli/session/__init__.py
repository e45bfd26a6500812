"""One run of one command: its options, and what it prints and asks."""
