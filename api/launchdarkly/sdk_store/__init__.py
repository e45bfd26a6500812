"""The sets that SDKs read: the switch of each environment, and how the sets are."""
