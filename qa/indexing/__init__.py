"""Documents in, a new generation of the index out."""
