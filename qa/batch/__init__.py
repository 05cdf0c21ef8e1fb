"""Many questions at once: a sheet of questions in, a sheet of cited answers out."""
