"""Forms that only the service's own pages may send: no other site may ask in a visitor's name.

Without cookies there is no secret token to check. Browsers name the origin of a request, though, and another
site cannot change that.
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Request, Response, abort, request


def is_from_own_page(sent: Request) -> bool:
    """Whether a browser sent this request from one of the service's own pages."""
    site, origin = sent.headers.get("Sec-Fetch-Site"), sent.headers.get("Origin")
    if site is not None:
        return site == "same-origin"
    return origin in {f"http://{sent.host}", f"https://{sent.host}"}  # a proxy may use either


def check_own_page(message: str) -> None:
    """Refuse the current request with a message, unless one of the service's own pages sent it."""
    if not is_from_own_page(request):
        abort(HTTPStatus.FORBIDDEN, message)


def let_forms_name_origin(response: Response) -> None:
    """Let the forms of a page say that they come from it; with no-referrer, a browser would not."""
    response.headers["Referrer-Policy"] = "same-origin"
