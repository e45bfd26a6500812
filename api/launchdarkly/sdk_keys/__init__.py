"""SDK keys of an environment, beside the one that is its own."""
