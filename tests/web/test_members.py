"""Files inside files, from the folder to the page: documents of their own, with their own bytes."""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from pathlib import Path

import pytest
from fake_encoder import StandIn
from flask.testing import FlaskClient
from readers.samples import make_pdf, make_tar, make_zip

from qa.cli.output import describe_failure
from qa.config import Settings
from qa.index import generation
from qa.indexing import ledger
from qa.indexing.build import build
from qa.indexing.forget import forget
from qa.readers.sandbox import parent
from qa.retrieval.live import LiveSearcher
from qa.web import create_app

PDF = make_pdf([(72, 700, "The ferry leaves from the northern pier.")], [(72, 700, "Page two.")])
NOTE = b"The lighthouse keeper paints the door green."
ROWS = b'{"id": "r1", "text": "A row about kites."}\n{"id": "r2", "text": "A row about sails."}\n'


def _letter() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"] = "Timetable", "ann@example.org"
    message.set_content("Please find the timetable of the ferry attached.")
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename="Fahrplan für Juli.pdf")
    message.add_attachment(NOTE.decode(), filename="note.txt")
    return message.as_bytes()


def _archive(note: bytes = NOTE) -> bytes:
    return make_zip(
        {"z/note.txt": note, "bad.pdf": b"%PDF-", "in.tar.gz": make_tar({"rows.jsonl": ROWS}, "gz")}
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    docs = tmp_path / "docs"
    (docs / "mail").mkdir(parents=True)
    (docs / "mail" / "letter.eml").write_bytes(_letter())
    (docs / "archive.zip").write_bytes(_archive())
    (docs / "archive.zip.txt").write_bytes(b"What the archive holds is listed here.")
    return Settings(docs=docs, index=tmp_path / "index")


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    build(settings, StandIn())
    live = LiveSearcher(settings, lambda _: StandIn())
    return create_app(settings, live.current).test_client()


def _documents(client: FlaskClient, **filters: str) -> dict[str, dict]:
    listed = client.get("/api/v1/documents", query_string=filters).json["documents"]
    return {document["path"] + (document["row"] or ""): document for document in listed}


def test_each_file_inside_is_a_document_with_an_id_of_its_path(client: FlaskClient) -> None:
    documents = _documents(client)
    assert set(documents) == {
        "archive.zip/z/note.txt",
        "archive.zip/in.tar.gz/rows.jsonlr1",
        "archive.zip/in.tar.gz/rows.jsonlr2",
        "archive.zip.txt",
        "mail/letter.eml",
        "mail/letter.eml/Fahrplan für Juli.pdf",
        "mail/letter.eml/note.txt",
    }
    pdf = documents["mail/letter.eml/Fahrplan für Juli.pdf"]
    assert pdf["id"] == hashlib.sha256(pdf["path"].encode()).hexdigest()[:16]
    assert (pdf["media_type"], pdf["pages"]) == ("application/pdf", 2)
    assert pdf["sha256"] == hashlib.sha256(PDF).hexdigest()
    row = documents["archive.zip/in.tar.gz/rows.jsonlr1"]
    assert row["id"] == hashlib.sha256(f"{row['path']}\0r1".encode()).hexdigest()[:16]


def test_they_answer_questions(client: FlaskClient) -> None:
    asked = {"q": "Who paints the lighthouse door green?", "path": "mail/letter.eml"}
    best = client.get("/api/v1/search", query_string=asked).json["results"][0]
    assert best["document"]["path"] == "mail/letter.eml/note.txt"
    page = client.get("/", query_string=asked)
    assert "mail/letter.eml/note.txt" in page.text


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("archive.zip", 3),
        ("archive.zip/", 3),
        ("archive.zip/*", 3),
        ("archive.zip/in.tar.gz", 2),
        ("archive.zip/z/note.txt", 1),
        ("*/note.txt", 2),
        ("mail", 3),
        ("mail/letter.eml/*.pdf", 1),
    ],
)
def test_a_file_is_a_folder_to_filters(client: FlaskClient, path: str, count: int) -> None:
    assert len(_documents(client, path=path)) == count


def _file(client: FlaskClient, path: str) -> str:
    return f"/api/v1/documents/{_documents(client)[path]['id']}/file"


@pytest.mark.parametrize(
    ("path", "data", "name"),
    [
        ("mail/letter.eml/Fahrplan für Juli.pdf", PDF, "Fahrplan%20f%C3%BCr%20Juli.pdf"),
        ("archive.zip/z/note.txt", NOTE, "note.txt"),
        ("archive.zip/in.tar.gz/rows.jsonlr2", ROWS, "rows.jsonl"),
        ("mail/letter.eml", _letter(), "letter.eml"),
    ],
)
def test_the_original_is_the_file_inside(client: FlaskClient, path: str, data: bytes, name: str) -> None:
    if path == "mail/letter.eml":  # its boundary is another each time
        data = (Path(client.application.extensions["qa"].settings.docs) / path).read_bytes()
    with client.get(_file(client, path)) as response:
        assert response.data == data
        assert response.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"


def test_pages_of_a_pdf_inside_are_drawn(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    document_id = _documents(client)["mail/letter.eml/Fahrplan für Juli.pdf"]["id"]
    with client.get(f"/documents/{document_id}/pages/1.webp") as response:
        assert (response.status_code, response.data[8:12]) == (200, b"WEBP")
    monkeypatch.setattr(parent, "open_member", None)  # the next page needs no unpacking
    with client.get(f"/documents/{document_id}/pages/2.webp") as response:
        assert response.status_code == 200
    assert f"/documents/{document_id}/pages/1.webp" in client.get(f"/documents/{document_id}").text


def test_a_changed_file_is_a_conflict_until_it_is_indexed_again(
    client: FlaskClient, settings: Settings
) -> None:
    address = _file(client, "archive.zip/z/note.txt")
    for archive in (_archive(b"Now the door is blue."), make_zip({"other.txt": b"x"}), b"no archive"):
        (settings.docs / "archive.zip").write_bytes(archive)
        with client.get(address) as response:
            assert response.status_code == 409
    (settings.docs / "archive.zip").write_bytes(make_zip({"new.txt": b"new", "z/note.txt": NOTE}))
    with client.get(address) as response:  # it is the same file, in another archive
        assert response.data == NOTE
    (settings.docs / "archive.zip").unlink()
    with client.get(address) as response:
        assert response.status_code == 404
    (settings.docs / "archive.zip").write_bytes(_archive(b"Now the door is blue."))
    report = build(settings, StandIn())
    assert report.embedded == 1
    assert _documents(client)["archive.zip/z/note.txt"]["sha256"] != hashlib.sha256(NOTE).hexdigest()


def test_unchanged_files_are_taken_over_whole(settings: Settings) -> None:
    first = build(settings, StandIn())
    assert build(settings, StandIn()).generation == first.generation
    (settings.docs / "new.txt").write_bytes(b"A new file on gulls.")
    third = build(settings, StandIn())
    assert (third.documents, third.embedded) == (first.documents + 1, 1)
    assert {(f.full_path, f.reason) for f in third.failures} == {
        (f.full_path, f.reason) for f in first.failures
    }


def test_failures_name_the_file_inside(client: FlaskClient, settings: Settings) -> None:
    (failure,) = client.get("/api/v1/status").json["failures"]
    assert failure["path"] == "archive.zip/bad.pdf"
    assert "archive.zip/bad.pdf" in client.get("/status").text
    (named,) = generation.load(generation.current(settings.index)).store.failures()
    assert describe_failure(named).startswith("archive.zip/bad.pdf: ")


def test_the_list_of_files_has_the_files_of_the_folder(client: FlaskClient) -> None:
    files = {entry["path"]: entry for entry in client.get("/api/v1/files").json["files"]}
    states = {path: entry["state"] for path, entry in files.items()}
    assert states == {"archive.zip": "partly", "archive.zip.txt": "indexed", "mail/letter.eml": "indexed"}
    assert files["archive.zip"]["reason"].startswith("bad.pdf ")


def test_an_archive_can_be_forgotten(client: FlaskClient, settings: Settings) -> None:
    (settings.docs / "archive.zip").unlink()
    forgotten = forget(settings, ["archive.zip"], lambda places: build(settings, StandIn(), forgotten=places))
    assert (forgotten.files, forgotten.rebuilt) == (("archive.zip",), True)
    assert set(_documents(client)) == {
        "archive.zip.txt",
        "mail/letter.eml",
        "mail/letter.eml/Fahrplan für Juli.pdf",
        "mail/letter.eml/note.txt",
    }
    assert [entry.path for entry in ledger.entries(settings.index)] == ["archive.zip.txt", "mail/letter.eml"]


def test_two_files_inside_with_one_path_do_not_stop_a_build(settings: Settings) -> None:
    inner = make_zip({"a.txt": b"Inside."})
    (settings.docs / "twice.zip").write_bytes(make_zip({"b.zip": inner, "b.zip/a.txt": b"Beside."}))
    report = build(settings, StandIn())
    reasons = {failure.full_path: failure.reason for failure in report.failures}
    assert "same path" in reasons["twice.zip/b.zip/a.txt"]
