"""What an import will read: its list files found, pinned, looked at and cut."""
