import pytest

from qa.errors import ReadError
from readers.samples import one

SIDECAR = b"""
title = "A title"
source = "A publisher"
author = "Ann"
published = 2019-07-03
dateline = "HANOI, July 3"
language = "en"
url = "https://example.org/a"
"""


def test_a_sidecar_overrides_the_text():
    found = one("a.txt", "MOSCOW (Reuters) - The text goes on.", SIDECAR).metadata
    assert (found.title, found.source, found.author) == ("A title", "A publisher", "Ann")
    assert (found.published, found.dateline, found.language) == ("2019-07-03", "HANOI, July 3", "en")
    assert found.url == "https://example.org/a"
    assert set(found.found.values()) == {"sidecar"}


def test_what_a_sidecar_leaves_out_is_still_found():
    found = one("a.txt", "MOSCOW (Reuters) - The text goes on.", b'published = "2019-07-03"').metadata
    assert (found.source, found.published) == ("Reuters", "2019-07-03")
    assert found.found == {"published": "sidecar", "dateline": "text", "source": "text", "title": "filename"}


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        (b"titel = 'x'", "docs/a.txt.meta.toml: unknown key 'titel'"),
        (b"title = 5", "title must be a string"),
        (b"published = 2019", "published must be a date"),
        (b"published = '03/07/2019'", "published cannot be '03/07/2019'"),
        (b"language = 'English'", "language cannot be 'English'"),
        (b"url = 'javascript:alert(1)'", "url cannot be"),
        (b"title = ''", "title cannot be ''"),
        (b"title = ", "docs/a.txt.meta.toml is not TOML"),
        (b"\xff", "docs/a.txt.meta.toml is not TOML"),
    ],
)
def test_a_wrong_sidecar_is_an_error_that_names_it(sidecar, message):
    with pytest.raises(ReadError, match=message.replace("(", r"\(")):
        one("docs/a.txt", "Text.", sidecar)
