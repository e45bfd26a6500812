"""Direct uploads: lists that clients send straight to the bucket, and their import."""
