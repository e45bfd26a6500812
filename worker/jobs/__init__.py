"""Jobs: the one runner of their units, the lease that progress renews, and its services."""
