"""Saved questions, asked again after each new generation, and what is new in their answers."""
