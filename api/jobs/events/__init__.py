"""An import's progress as server-sent events, in any dialect."""
