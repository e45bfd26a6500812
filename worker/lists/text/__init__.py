"""Lists that are text: how they are compressed, encoded and laid out, and their rows."""
