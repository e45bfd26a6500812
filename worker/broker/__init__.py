"""The broker: the transport that senders and workers share, and which messages are let through."""
