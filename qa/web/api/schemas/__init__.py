"""The shapes of the API's requests, which their models validate, and of its responses."""
