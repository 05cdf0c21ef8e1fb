"""PDF files → text page by page, and pictures of their pages."""
