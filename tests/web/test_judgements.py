"""Judgements made on the page and kept in a file."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.errors import QAError, SettingsError
from qa.types import Metadata
from qa.web import create_app
from qa.web.judgements import Judgements
from qa.web.server.processes import serve
from web.fake_search import EVIL, NEWS, FakeSearch
from web.helpers import Tags, id_of, page

SAME = {"Sec-Fetch-Site": "same-origin"}
START, END = NEWS.index("HANOI. The"), NEWS.index("\n\nTourists")
PASSAGE = f"{id_of('news/tass.txt')}:{START}-{END}"
QUESTION = "The trade grew in 2019"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "judged.jsonl"


@pytest.fixture
def judging(settings: Settings, search: FakeSearch, file: Path) -> FlaskClient:
    return create_app(replace(settings, judgements=file), lambda: search).test_client()


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_by_default_there_are_no_judgements(client: FlaskClient) -> None:
    assert client.post("/judgements", data={"q": "a", "right": PASSAGE}, headers=SAME).status_code == 404
    html = page(client, f"/?q={QUESTION}")
    assert "judge" not in html
    assert client.get(f"/?q={QUESTION}").headers["Referrer-Policy"] == "same-origin"  # the alarm is a form


def test_the_page_has_a_plain_form(judging: FlaskClient) -> None:
    response = judging.get(f"/?q={QUESTION}&source=TASS&source=B&mode=dense")
    # Otherwise a browser without Sec-Fetch-Site would send "Origin: null".
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "form-action 'self'" in response.headers["Content-Security-Policy"]
    tags = Tags(response.get_data(as_text=True)).tags
    assert [a for tag, a in tags if tag == "form" and a.get("action") == "/judgements"] == [
        {"id": "judgement", "action": "/judgements", "method": "post"}
    ]
    hidden = [(a["name"], a["value"]) for tag, a in tags if tag == "input" and a.get("type") == "hidden"]
    for field in (("q", QUESTION), ("source", "TASS"), ("source", "B"), ("mode", "dense")):
        assert field in hidden
    buttons = [a for tag, a in tags if tag == "button" and a.get("form") == "judgement"]
    assert {b["name"] for b in buttons} == {"right", "wrong"}
    assert PASSAGE in {b["value"] for b in buttons}


def test_a_judgement_is_recorded_and_shown(judging: FlaskClient, file: Path) -> None:
    sent = {"q": f" {QUESTION} ", "source": ["TASS", "A&B"], "right": PASSAGE}
    response = judging.post("/judgements", data=sent, headers=SAME)
    assert response.status_code == 303
    back = urlsplit(response.headers["Location"])
    assert (back.netloc, back.path, back.fragment) == ("", "/", PASSAGE)
    assert parse_qs(back.query) == {"q": [QUESTION], "source": ["TASS", "A&B"]}
    [line] = lines(file)
    assert line.pop("judged").endswith("+00:00")
    assert line.pop("id").startswith("judged-")
    assert line == {
        "question": QUESTION,
        "answers": [{"doc": "news/tass.txt", "start": START, "end": END}],
    }
    html = page(judging, response.headers["Location"])
    assert html.count("Saved as right") == 1
    assert f'name="right" value="{PASSAGE}" aria-pressed="true"' in html
    assert f'<li id="{PASSAGE}" class="hit">' in html
    assert "Saved as" not in page(judging, "/?q=The+trade+grew")


def test_the_last_judgement_of_a_passage_counts(judging: FlaskClient, file: Path) -> None:
    for verdict in ("right", "wrong"):
        judging.post("/judgements", data={"q": QUESTION, verdict: PASSAGE}, headers=SAME)
    assert [("answers" in line, "wrong" in line) for line in lines(file)] == [(True, False), (False, True)]
    html = page(judging, f"/?q={QUESTION}")
    assert "Saved as wrong" in html
    assert "Saved as right" not in html


def test_weaker_passages_are_unfolded_if_one_was_judged(judging: FlaskClient) -> None:
    assert '<details class="weak" id="weaker">' in page(judging, "/?q=xylophone")
    judging.post("/judgements", data={"q": "xylophone", "wrong": PASSAGE}, headers=SAME)
    assert '<details class="weak" id="weaker" open>' in page(judging, "/?q=xylophone")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://[", "Referer": "http://localhost/"}, 403),
        ({}, 403),
    ],
)
def test_only_the_services_own_page_may_send_judgements(
    judging: FlaskClient, file: Path, headers: dict[str, str], status: int
) -> None:
    response = judging.post("/judgements", data={"q": "a", "right": PASSAGE}, headers=headers)
    assert response.status_code == status
    assert file.exists() == (status == 303)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"q": "a"}, 422),
        ({"right": PASSAGE}, 422),
        ({"q": " ", "right": PASSAGE}, 422),
        ({"q": "x" * 201, "right": PASSAGE}, 422),
        ({"q": "a", "mode": "magic", "right": PASSAGE}, 422),
        ({"q": "a", "right": PASSAGE, "wrong": PASSAGE}, 422),
        ({"q": "a", "right": [PASSAGE, PASSAGE]}, 422),
        ({"q": "a", "right": "nonsense"}, 410),
        ({"q": "a", "right": "0000000000000000:0-5"}, 404),
    ],
)
def test_an_invalid_judgement_is_refused(
    judging: FlaskClient, search: FakeSearch, file: Path, sent: dict, status: int
) -> None:
    if status == 410:
        sent = {**sent, "right": f"{id_of('news/tass.txt')}:1-2"}
    assert judging.post("/judgements", data=sent, headers=SAME).status_code == status
    assert judging.get("/judgements").status_code == 405
    assert not file.exists()


def test_a_judgement_cannot_inject_markup(judging: FlaskClient, search: FakeSearch, file: Path) -> None:
    evil = f'{EVIL}"><script>alert(1)</script>\u2028\n'
    search.add(f"{EVIL.replace('/', '')}.txt", "Angkor is old.", Metadata())
    target = search.passages_of(id_of(f"{EVIL.replace('/', '')}.txt"))[0]
    response = judging.post(
        "/judgements", data={"q": evil, "path": evil, "right": target.id}, headers=SAME, follow_redirects=True
    )
    html = response.get_data(as_text=True)
    assert response.status_code == 200
    assert "<script>alert" not in html
    assert "49 Angkor" not in html
    [line] = lines(file)  # str.splitlines would cut the line at the separator
    assert line["question"] == evil.strip()


def test_a_judgement_names_the_row_of_a_table(judging: FlaskClient, search: FakeSearch, file: Path) -> None:
    document_id = search.add("people.csv", "Sok Chenda leads the council.", row="7")
    target = search.passages_of(document_id)[0]
    judging.post("/judgements", data={"q": "Who leads?", "right": target.id}, headers=SAME)
    assert lines(file)[0]["answers"] == [{"doc": "people.csv", "row": "7", "start": 0, "end": 29}]
    assert "Saved as right" in page(judging, "/?q=Who+leads?")


def test_no_judgement_is_lost_among_threads(judging: FlaskClient, search: FakeSearch, file: Path) -> None:
    passage = search.passages_of(id_of("news/tass.txt"))[0]
    several = [Judgements(file) for _ in range(4)]  # as several processes have them
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: several[n % 4].record(f"Question {n}?" * 50, passage, "right"), range(200)))
    assert {line["question"] for line in lines(file)} == {f"Question {n}?" * 50 for n in range(200)}


def test_an_unfinished_line_spoils_no_other_line(search: FakeSearch, file: Path) -> None:
    file.write_text('{"id": "torn", "quest')
    passage = search.passages_of(id_of("news/tass.txt"))[0]
    judgements = Judgements(file)
    judgements.record("Who?", passage, "right")
    assert json.loads(file.read_text().splitlines()[1])["question"] == "Who?"
    assert list(judgements.verdicts("Who?").values()) == ["right"]
    for line in ("[1]", '{"judged": 1, "wrong": [{}]}', '{"judged": 1, "question": [], "wrong": 5}'):
        file.write_text(f"{line}\n{file.read_text()}")
    assert list(judgements.verdicts("Who?").values()) == ["right"]


def test_a_question_in_the_file_is_not_a_judgement(search: FakeSearch, file: Path) -> None:
    file.write_text('{"id": "1", "question": "Who?", "answers": [{"doc": "a", "start": 0, "end": 5}]}\n')
    assert Judgements(file).verdicts("Who?") == {}


def test_a_failed_write_leaves_the_file_unchanged(
    search: FakeSearch, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passage = search.passages_of(id_of("news/tass.txt"))[0]
    Judgements(file).record("Who?", passage, "right")
    before = file.read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(QAError, match="could not be saved: No space left"):
        Judgements(file).record("When?", passage, "right")
    assert file.read_bytes() == before


def test_the_service_refuses_to_start_with_an_unwritable_file(settings: Settings, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "judged.jsonl"):
        with pytest.raises(SettingsError, match="judgements cannot be saved in"):
            serve(replace(settings, judgements=path))
