"""Search by words: BM25 over postings, and what passages share."""
