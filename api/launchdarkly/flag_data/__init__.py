"""The flags that SDKs evaluate with: a document for each environment."""
