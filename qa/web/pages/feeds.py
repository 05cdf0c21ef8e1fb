"""The Atom feeds of the saved questions."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, abort, make_response, request
from werkzeug.wrappers import Response

from qa.news.atom import feed
from qa.news.news_file import read_news
from qa.web.api.delivery import deliver
from qa.web.service import service

feeds = Blueprint("feeds", __name__)
feeds.after_request(deliver)


@feeds.get("/feeds/<name>.atom")
def question_feed(name: str) -> Response:
    """Return what is new in the answer to a saved question."""
    content = read_news(service().settings.index)
    asked = content.asked.get(name)
    if asked is None:
        abort(HTTPStatus.NOT_FOUND, "No saved question of this name has been asked.")
    response = make_response(feed(name, asked, content.of(name), request.url_root))
    response.content_type = "application/atom+xml; charset=utf-8"
    return response
