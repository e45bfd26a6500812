"""What callers say of lists, exports and guards, as plain values: the vocabulary of every layer."""
