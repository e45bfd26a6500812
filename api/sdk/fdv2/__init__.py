"""The data of SDKs in their second protocol: transfers that go on from a state they name."""
