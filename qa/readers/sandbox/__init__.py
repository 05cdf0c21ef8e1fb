"""Readers run within limits, in a separate process that may die without harm."""
