"""Units of work: what every try is given, and the lease that it keeps by progress."""
