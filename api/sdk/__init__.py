"""What LaunchDarkly's SDKs and Relay Proxies connect to."""
