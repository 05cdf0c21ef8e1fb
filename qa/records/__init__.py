"""Searches written down, and asked again."""
