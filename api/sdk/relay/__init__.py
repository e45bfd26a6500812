"""What Relay Proxies are sent, so that they hold what the lists hold."""
