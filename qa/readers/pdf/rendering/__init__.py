"""Pages of PDFs and of picture files as pictures, drawn within limits by processes of their own."""
