"""Ask a question, and print each answer as a quotation with its source and permalink.

    python examples/ask.py "How large was the trade turnover in 2018?"
    python examples/ask.py "Кто посол?" --address http://127.0.0.1:8123 -k 5 --key KEY

Needs Python alone. Exits with 1 if the documents don't seem to answer the question.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


def main() -> int:
    """Read the arguments, ask, and print the answers."""
    parser = argparse.ArgumentParser(description="Ask a question and print quoted answers.")
    parser.add_argument("question")
    parser.add_argument("--address", default="http://127.0.0.1:8000", help="of the service")
    parser.add_argument("-k", type=int, default=3, help="how many passages")
    parser.add_argument("--key", help="if the service wants one")
    arguments = parser.parse_args()
    try:
        return ask(arguments.question, arguments.address.rstrip("/"), arguments.k, arguments.key)
    except HTTPError as error:
        print(f"{error.code}: {json.load(error)['detail']}", file=sys.stderr)
    except URLError as error:
        print(f"{arguments.address} doesn't answer: {error.reason}", file=sys.stderr)
    return 2


def ask(question: str, address: str, k: int, key: str | None) -> int:
    """Print the answers to a question; return the exit code."""
    result = json.loads(get(f"{address}/api/v1/search?{urlencode({'q': question, 'k': k})}", key))
    if not result["answerable"]:
        is_probability = result["language_support"] != "words"
        chance = f" ({result['confidence']:.0%} chance that they do)" if is_probability else ""
        print(f"These documents don't seem to answer that{chance}.")
    for hit in result["results"]:
        quotation = best_quotation(hit)
        place = f"{hit['document']['id']}/quotations/{quotation['char_start']}-{quotation['char_end']}"
        print(f"{hit['rank']}. {get(f'{address}/documents/{place}.txt', key)}\n")
    return 0 if result["answerable"] else 1


def best_quotation(hit: dict[str, Any]) -> dict[str, Any]:
    """Return the sentence of a passage that answers best, or the whole passage."""
    return hit["answers"][0] if hit["answers"] else hit


def get(url: str, key: str | None) -> str:
    """Return what the service answers."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urlopen(Request(url, headers=headers), timeout=30) as response:  # noqa: S310 -- the user names it
        return response.read().decode("utf-8")


if __name__ == "__main__":
    sys.exit(main())
