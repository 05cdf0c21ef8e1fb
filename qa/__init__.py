"""Question answering over a folder of documents, with exact provenance.

``open_index`` opens an index to ask it, ``build_index`` builds one::

    import qa

    qa.build_index("docs_raw", "index")
    with qa.open_index("index") as index:
        for hit in index.ask("How large was the trade turnover in 2018?", k=5):
            print(hit.text, hit.document.title, hit.page, hit.citation("markdown"))
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.api import AskOptions, DocumentFilters, Index, build_index, open_index
    from qa.errors import QAError
    from qa.results.objects import Document, DocumentList, Hit, Passage, Result

__all__ = [
    "AskOptions",
    "Document",
    "DocumentFilters",
    "DocumentList",
    "Hit",
    "Index",
    "Passage",
    "QAError",
    "Result",
    "build_index",
    "open_index",
]

__version__ = version("qa")

_API = ("AskOptions", "DocumentFilters", "Index", "build_index", "open_index")
_OBJECTS = ("Document", "DocumentList", "Hit", "Passage", "Result")
_MODULES = {
    "QAError": "qa.errors",
    **dict.fromkeys(_API, "qa.api"),
    **dict.fromkeys(_OBJECTS, "qa.results.objects"),
}


def __getattr__(name: str) -> Any:
    """Load what is exported when it is first used: ``import qa`` alone takes no time."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
