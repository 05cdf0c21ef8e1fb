from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from qa.config import Settings

SECRET = "A secret outside the documents folder."
UP = [
    *("../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..%252fsecret.txt"),
    *(
        "..%5csecret.txt",
        "..\\secret.txt",
        "%252e%252e%252fsecret.txt",
        "..%c0%afsecret.txt",
        "..%e0%80%afsecret.txt",
    ),
    *(
        "....//secret.txt",
        "..;/secret.txt",
        "..%00/secret.txt",
        "secret.txt%00.txt",
        "//secret.txt",
        "%2fsecret.txt",
    ),
    *(
        "..%u2215secret.txt",
        "..%ef%bc%8fsecret.txt",
        "file:///secret.txt",
        "news/../../secret.txt",
        "./../secret.txt",
    ),
]


@pytest.mark.parametrize("up", UP)
@pytest.mark.parametrize(
    "address",
    [
        *(
            "/{}",
            "/static/{}",
            "/docs/assets/{}",
            "/documents/{}",
            "/api/v1/documents/{}",
            "/api/v1/documents/{}/file",
        ),
        *("/api/v1/documents/{}/text", "/api/v1/passages/{}", "/api/v1/passages/{}:0-9"),
    ],
)
def test_nothing_outside_the_documents_folder_is_served(
    client: FlaskClient, settings: Settings, address: str, up: str
) -> None:
    for folder in (settings.docs.parent, settings.docs.parent.parent):
        (folder / "secret.txt").write_text(SECRET)
    absolute = up.replace("secret.txt", quote(str(Path(settings.docs.parent, "secret.txt")).lstrip("/")))
    for path in (up, absolute):
        response = client.get(address.format(path))
        assert SECRET not in response.get_data(as_text=True)
        assert response.status_code in {301, 302, 308, 400, 404, 422}


@pytest.mark.parametrize(
    "address", ["/healthz", "/api/v1/search?q=Ангкор+😀", "/api/v1/nothing", "/openapi.json"]
)
def test_json_is_compact_utf8_in_field_order(client: FlaskClient, address: str) -> None:
    data = client.get(address).get_data(as_text=True)
    assert data == json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":")) + "\n"


def test_json_contains_unescaped_unicode(client: FlaskClient) -> None:
    assert "тайна 😀" in client.get("/api/v1/search?q=тайна+😀").get_data(as_text=True)
