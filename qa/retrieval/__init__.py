"""A question in, ranked hits with a confidence out."""
