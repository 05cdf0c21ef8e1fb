"""Where a document's text is split: blocks, passages and sentences."""
