"""Describes what SDKs and relays connect to in the OpenAPI document."""
