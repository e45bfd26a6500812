"""What SDKs evaluate with: the segments of an environment, whole, and then each change."""
