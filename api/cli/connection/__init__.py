"""Requests to the API, its answers and its refusals."""
