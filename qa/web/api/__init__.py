"""The JSON API, under ``/api/v1``: endpoints, validation, and the shapes of requests and responses."""
