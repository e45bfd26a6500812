"""What is built: how large the new revision is, and its shards."""
