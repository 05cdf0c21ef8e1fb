"""The embedding model: the only room that uses sentence-transformers and the faster run times."""
