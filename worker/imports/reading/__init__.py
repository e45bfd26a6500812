"""What is read: rows of chunks become members in spills, or rejected rows."""
