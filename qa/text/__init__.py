"""Text in, spans and terms out; nothing is read or written here."""
