"""The paragraphs of RFC 3676, ``format=flowed``, whose lines end with a space where they go on."""

from __future__ import annotations

_SIGNATURE = "-- "


def unwrap(text: str, *, delete_space: bool) -> str:
    r"""Join the lines of each paragraph. A blank line ends one, even where mailers leave a space before it.

    >>> unwrap("One \ntwo.\n> Three \n> four.\n-- \nAnn", delete_space=False)
    'One two.\n> Three four.\n-- \nAnn'

    Args:
        text: of lines that end with ``\n``.
        delete_space: whether the space at the end of a line that goes on is no part of the text (``DelSp``).
    """
    out: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        flows = content.endswith(" ") and content != _SIGNATURE
        if open_depth == depth and content and content != _SIGNATURE:
            out[-1] += content
        else:
            out.append(f"{'>' * depth} {content}" if depth else content)
        open_depth = depth if flows else None
        if flows and delete_space:
            out[-1] = out[-1][:-1]
    return "\n".join(line if line == _SIGNATURE else line.rstrip(" ") for line in out)
