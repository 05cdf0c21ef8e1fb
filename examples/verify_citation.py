"""Check a citation: does the document still say that, character for character?

    python examples/verify_citation.py 'http://127.0.0.1:8000/documents/ID?start=…&end=…&sha=…&quote=…'
    python examples/verify_citation.py ID:START-END --text "What was quoted" --address http://127.0.0.1:8000

The first form checks a permalink by the digest that it carries, the second a passage's id by the quoted text.
Needs Python alone. Exits with 0 if the quotation stands, with 1 if it doesn't.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

PASSAGE = re.compile(r"([0-9a-f]{16}):(\d+)-(\d+)")
DIGEST = 16  # a permalink's `quote` begins with so many hex digits of the quotation's SHA-256


@dataclass(frozen=True)
class Citation:
    """Characters ``start`` to ``end`` of a document, and what is known of file and quotation."""

    address: str
    document: str
    start: int
    end: int
    file_digest: str = ""
    text_digest: str = ""


def parse(citation: str, address: str) -> Citation:
    """Read a permalink or a passage's id."""
    if match := PASSAGE.fullmatch(citation):
        return Citation(address, match[1], int(match[2]), int(match[3]))
    parts = urlsplit(citation)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    try:
        start, end = int(query["start"]), int(query["end"])
    except (KeyError, ValueError):
        sys.exit(f"{citation} is neither a permalink nor a passage's id")
    return Citation(
        address=f"{parts.scheme}://{parts.netloc}",
        document=parts.path.rpartition("/")[2],
        start=start,
        end=end,
        file_digest=query.get("sha", ""),
        text_digest=query.get("quote", "")[:DIGEST],
    )


def check(citation: Citation, quoted: str | None, key: str | None) -> int:
    """Compare a citation with the document's text; return the exit code."""
    base = f"{citation.address}/api/v1/documents/{citation.document}"
    document = json.loads(get(base, key))
    text = get(f"{base}/text", key).decode("utf-8")
    slice_ = text[citation.start : citation.end]
    print(f"{document['path']}, characters {citation.start} to {citation.end}:\n{slice_}\n")
    if not document["sha256"].startswith(citation.file_digest):
        print("The file has changed since it was cited.")
    if quoted is not None:
        stands = slice_.encode("utf-8") == quoted.encode("utf-8")
    elif citation.text_digest:
        stands = hashlib.sha256(slice_.encode("utf-8")).hexdigest().startswith(citation.text_digest)
    else:
        sys.exit("Nothing to compare with: give a whole permalink, or --text")
    print("The quotation stands, byte for byte." if stands else "The document does not say that there.")
    return 0 if stands else 1


def get(url: str, key: str | None) -> bytes:
    """Return what the service answers."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urlopen(Request(url, headers=headers), timeout=30) as response:  # noqa: S310 -- the user names it
        return response.read()


def main() -> int:
    """Read the arguments and check the citation."""
    parser = argparse.ArgumentParser(description="Check a citation against the document's text.")
    parser.add_argument("citation", help="a permalink, or a passage's id")
    parser.add_argument("--text", help="what was quoted")
    parser.add_argument("--address", default="http://127.0.0.1:8000", help="of the service, for an id")
    parser.add_argument("--key", help="if the service wants one")
    arguments = parser.parse_args()
    citation = parse(arguments.citation, arguments.address.rstrip("/"))
    try:
        return check(citation, arguments.text, arguments.key)
    except HTTPError as error:
        print(f"{error.code}: {json.load(error)['detail']}", file=sys.stderr)
    except URLError as error:
        print(f"{citation.address} doesn't answer: {error.reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
