"""Search by meaning: vectors of passages and sentences, and late interaction of tokens."""
