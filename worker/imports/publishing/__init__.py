"""What comes before readers see a build: the count, previews, approvals, the flip."""
