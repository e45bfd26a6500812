"""What keeps an import from being published that its caller probably did not intend."""
