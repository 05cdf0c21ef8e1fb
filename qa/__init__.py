"""Question answering over a folder of documents, with exact provenance."""

from importlib.metadata import version

__version__ = version("qa")
