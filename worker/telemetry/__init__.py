"""What the worker says about itself: events with ids, never a context key."""
