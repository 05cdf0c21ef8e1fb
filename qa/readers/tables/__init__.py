"""Files that hold rows: each row a document, or the rows together a table."""

from qa.readers.tables.delimited import read_csv
from qa.readers.tables.json_files import read_json, read_jsonl
from qa.readers.tables.row_extracts import BadRow

__all__ = ["BadRow", "read_csv", "read_json", "read_jsonl"]
