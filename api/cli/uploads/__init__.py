"""Direct uploads: lists that go straight to the bucket, part by part, and on after an interrupt."""
