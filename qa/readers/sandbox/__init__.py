"""Readers run within limits, in a process of their own that may die without harm."""
