"""Web pages → text."""
