"""Pages of PDFs as pictures, drawn within limits by processes of their own."""
