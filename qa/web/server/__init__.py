"""The HTTP server: processes, connections, logs and metrics."""
