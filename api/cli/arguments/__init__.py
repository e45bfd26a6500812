"""What a command is given as words, checked before anything is sent."""
