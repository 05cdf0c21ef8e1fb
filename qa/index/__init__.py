"""One generation of the index on disk: written, opened, verified."""
