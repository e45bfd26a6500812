"""Which cells are context keys (``validation``), and which are doubtful (``doubts``)."""
