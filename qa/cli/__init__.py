"""The command line: data on standard output, progress and messages on standard error."""

from qa.cli.commands import main

__all__ = ["main"]
