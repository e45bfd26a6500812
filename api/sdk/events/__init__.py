"""What SDKs report of what they did."""
