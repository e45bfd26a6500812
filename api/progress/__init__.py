"""Progress for people: one line on a terminal, or a line now and then elsewhere."""
