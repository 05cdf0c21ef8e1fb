"""What every door shows of a result: its JSON, its citations and its permalink."""
