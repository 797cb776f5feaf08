"""The trained reader: how an article is cut into windows, how a span is found, and what the shipped weights say."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.article import article_from_text, builtin_article
from index.bert_graph import PROBE
from index.build import build_index
from index.embeddings import open_encoder
from index.errors import ModelNotFound
from index.sentences import split_sentences
from qa.dialogue import Turn
from qa.retrieve import retrieve
from qa.trained_reader import (
    WEIGHTS,
    Pieces,
    ReaderSettings,
    TrainedReader,
    digest,
    even_windows,
    exact_session,
    is_heading,
    lead_place,
    window_around,
    word_embeddings,
)
from qa.weighing import LEAD_SENTENCES, NONE_SIGNALS, SIGNALS


@given(st.lists(st.integers(1, 90), min_size=1, max_size=60), st.integers(20, 160))
def test_windows_hold_every_sentence_once_in_order_and_fit_the_budget(sizes, budget):
    windows = even_windows(sizes, budget)
    assert [row for window in windows for row in window] == list(range(len(sizes)))
    assert all(len(window) == 1 or sum(sizes[row] for row in window) <= budget for window in windows)


def test_windows_are_even():
    """Ten sentences of 20 pieces, 160 to a window: two windows of 100, not one of 160 and one of 40.

    Of 90, three would do; four keep two cores busy, with 40 or 60 each.
    """
    assert even_windows([20] * 10, 160) == [range(5), range(5, 10)]
    assert even_windows([20] * 10, 90) == [range(2), range(2, 5), range(5, 7), range(7, 10)]
    assert even_windows([20] * 4, 90) == [range(4)]
    assert even_windows([230, 10, 20, 10, 230], 240) == [range(1), range(1, 4), range(4, 5)]  # no way to make four good


@given(st.lists(st.integers(1, 90), min_size=1, max_size=40), st.integers(20, 160), st.data())
def test_a_window_around_a_sentence_holds_it_fits_and_takes_nothing_twice(sizes, budget, data):
    pieces = {row: Pieces([0] * size, [(0, 1)] * size) for row, size in enumerate(sizes)}
    row = data.draw(st.integers(0, len(sizes) - 1))
    taken = data.draw(st.sets(st.integers(0, len(sizes) - 1))) - {row}
    window = window_around(row, len(sizes), taken, pieces, budget)
    assert row in window
    assert not taken.intersection(window)
    assert len(window) == 1 or sum(sizes[i] for i in window) <= budget


@given(st.lists(st.integers(1, 90), min_size=1, max_size=12), st.integers(20, 300), st.randoms(), st.integers(1, 6))
def test_a_digest_holds_the_best_that_fit_in_the_order_of_the_article(sizes, budget, random, count):
    pieces = {row: Pieces([0] * size, [(0, 1)] * size) for row, size in enumerate(sizes)}
    best = random.sample(list(pieces), min(count, len(sizes)))
    rows = digest(best, pieces, budget)
    assert list(rows) == sorted(set(rows))
    assert sum(sizes[row] for row in rows) <= budget
    assert all(row in best or row + 1 in best for row in rows)
    if rows:
        fitting = [row for row in best if sizes[row] <= budget]
        assert fitting[0] in rows  # the best goes in before all others
        assert len(set(rows) & set(best)) > 1


def test_a_digest_takes_each_sentence_with_the_one_before_it_and_leaves_out_what_does_not_fit():
    """Of 200 pieces, row 5 and the one before it take 80, row 2 takes 90 and leaves 30; row 1 has 40, row 0 has 20."""
    pieces = {row: Pieces([0] * size, [(0, 1)] * size) for row, size in enumerate([20, 40, 90, 10, 30, 50])}
    assert digest([5, 2, 0], pieces, 200) == (0, 2, 4, 5)
    assert digest([5], pieces, 200) == ()
    assert digest([5, 4], pieces, 200) == (3, 4, 5)


@pytest.mark.parametrize("content", [b"", b"not a tensor file", (9).to_bytes(8, "little") + b'{"a": {}}'])
def test_a_file_without_word_embeddings_is_refused_in_one_line(tmp_path, content):
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(ModelNotFound, match="has no word embeddings") as caught:
        word_embeddings(file)
    assert "\n" not in str(caught.value)


def test_missing_weights_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(ModelNotFound, match=r"cannot be read.*--reader fused"):
        TrainedReader(tmp_path)


def test_damaged_weights_are_refused_with_what_to_do(tmp_path):
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    graph = tmp_path / "weights" / "reader.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    with pytest.raises(ModelNotFound, match=r"damaged.*--reader fused"):
        TrainedReader(graph.parent)


@pytest.mark.parametrize("sizes", [{"window_pieces": 15}, {"window_pieces": 401}, {"most_pieces": 0}])
def test_a_window_that_the_model_has_no_room_for_is_refused(sizes):
    with pytest.raises(ValueError, match="wanted"):
        TrainedReader(**sizes)


@pytest.fixture(scope="module")
def encoder_and_index(tmp_path_factory):
    encoder = open_encoder(None, cache=tmp_path_factory.mktemp("cache"))
    return encoder, build_index(builtin_article(), encoder)


@pytest.fixture(scope="module")
def asked(encoder_and_index):
    encoder, article_index = encoder_and_index
    reader = TrainedReader()

    def ask(question, history=()):
        return reader.read(question, history, article_index, retrieve(question, article_index, encoder))

    return ask


@pytest.mark.model
def test_relevances_and_none_sum_to_one_and_the_best_is_first(asked):
    reading = asked("Who was killed?")
    relevances = [sentence.relevance for sentence in reading.sentences]
    assert sum(relevances) + reading.none == pytest.approx(1)
    assert relevances == sorted(relevances, reverse=True)
    assert reading.read == len(reading.sentences)


@pytest.mark.model
def test_the_best_of_a_short_article_has_the_mean_of_two_cuts_and_the_rest_the_first(encoder_and_index):
    encoder, article_index = encoder_and_index
    question = "Who was killed?"
    candidates = retrieve(question, article_index, encoder)
    reader = TrainedReader()
    reader.settings = replace(reader.settings, digest_sentences=0)
    twice = reader.logits(question, (), article_index, candidates)
    best = reader.read(question, (), article_index, candidates).sentences[0].candidate.row
    first_cut, second_cut = (
        reader_of_one_cut(pieces).logits(question, (), article_index, candidates)
        for pieces in (reader.settings.window_pieces, reader.settings.again_pieces)
    )
    again = {row for row in twice if twice[row].sentence != first_cut[row].sentence}
    assert best in again
    assert len(again) < len(twice)
    for row in again:
        mean = (first_cut[row].sentence + second_cut[row].sentence) / 2
        assert twice[row].sentence == pytest.approx(mean, abs=1e-4)
        assert twice[row].starts == pytest.approx((first_cut[row].starts + second_cut[row].starts) / 2, abs=1e-4)


def reader_of_one_cut(window_pieces):
    reader = TrainedReader(window_pieces=window_pieces)
    reader.settings = replace(reader.settings, again_windows=0, digest_sentences=0)
    return reader


@pytest.mark.model
def test_the_best_are_read_beside_each_other_and_that_counts_as_much_as_what_was_read_before(encoder_and_index):
    encoder, article_index = encoder_and_index
    question = "Who was killed?"
    candidates = retrieve(question, article_index, encoder)
    reader = reader_of_one_cut(TrainedReader().settings.window_pieces)
    once = reader.logits(question, (), article_index, candidates)
    first, second = (s.candidate.row for s in reader.read(question, (), article_index, candidates).sentences[:2])
    reader.settings = replace(reader.settings, digest_sentences=2, digest_pieces=300)
    twice = reader.logits(question, (), article_index, candidates)
    assert {row for row in twice if twice[row].sentence != once[row].sentence} == {first, second}
    together = sorted({first, first - 1, second, second - 1})
    beside = reader._run(reader._head(question, ()), together, reader._pieces_of(article_index))
    for row in (first, second):
        assert twice[row].sentence == pytest.approx((once[row].sentence + beside[row].sentence) / 2, abs=1e-4)


@pytest.mark.model
def test_of_a_long_article_no_more_is_read_again_than_the_settings_say(encoder_and_index):
    """400 pieces of it are read, and at most two windows of 150 twice"""
    encoder, article_index = encoder_and_index
    question = "Who was killed?"
    candidates = retrieve(question, article_index, encoder)
    reader = TrainedReader(most_pieces=400)
    reader.settings = replace(reader.settings, digest_sentences=0)
    twice = reader.logits(question, (), article_index, candidates)
    settings = reader.settings
    reader.settings = replace(settings, again_windows=0)
    once = reader.logits(question, (), article_index, candidates)
    again = [row for row in twice if row not in once or once[row].sentence != twice[row].sentence]
    assert 0 < sum(len(twice[row].starts) for row in again) <= settings.again_windows * settings.again_pieces


@pytest.mark.model
def test_a_text_of_one_window_is_not_read_twice_alike(encoder_and_index):
    encoder, _ = encoder_and_index
    article_index = build_index(article_from_text("The mill burnt down. Rain put the fire out. Nobody slept."), encoder)
    candidates = retrieve("What burnt down?", article_index, encoder)
    reader = TrainedReader()
    twice = reader.logits("What burnt down?", (), article_index, candidates)
    reader.settings = replace(reader.settings, again_windows=0)
    once = reader.logits("What burnt down?", (), article_index, candidates)
    assert [twice[row].sentence for row in range(3)] == [once[row].sentence for row in range(3)]


@pytest.mark.model
def test_who_is_quoted_is_read_before_the_sentence_and_answers_come_from_the_sentence(encoder_and_index):
    encoder, _ = encoder_and_index
    text = "Ines Mora said: “I keep the lock.\n\n“The toll was five pence then.”"
    article_index = build_index(article_from_text(text), encoder)
    reader = TrainedReader()
    pieces = reader._pieces_of(article_index)[1]
    assert reader._tokenizer.decode(pieces.ids) == 'ines mora said : " the toll was five pence then. "'
    assert pieces.before == 5  # in, ##es, mora, said, :
    question = "How much did Mora charge?"
    logits = reader.logits(question, (), article_index, retrieve(question, article_index, encoder))[1]
    assert len(logits.starts) == len(pieces.ids) - 5
    start, end = reader.span_offsets(article_index, 1, 0, len(logits.starts) - 1)
    assert text[start:end] == "“The toll was five pence then.”"


@pytest.mark.model
def test_who_is_quoted_late_in_a_long_article_does_not_depend_on_what_was_read_first(encoder_and_index):
    encoder, _ = encoder_and_index
    paragraphs = [f'"The toll of mill {n} was raised again," said Ines Mora. "Nobody paid it."' for n in range(230)]
    article_index = build_index(article_from_text("\n\n".join(paragraphs)), encoder)
    last = len(article_index.sentences) - 1
    forward = TrainedReader()._pieces_of(article_index)
    forward.make(range(last + 1))
    backward = TrainedReader()._pieces_of(article_index)
    assert [backward[row].ids for row in range(last, -1, -1)] == [forward[row].ids for row in range(last, -1, -1)]
    assert forward[last].before == 5


@pytest.mark.model
def test_a_short_answer_lies_in_its_sentence(asked):
    text = builtin_article().text
    for sentence in asked("What was the lawyer called?").sentences:
        start, end = sentence.span
        assert sentence.candidate.sentence.start <= start < end <= sentence.candidate.sentence.end
        assert text[start:end].strip() == text[start:end]


@pytest.mark.model
@pytest.mark.parametrize("question", ["Was the driver charged?", "did he die", "Hasn't anyone been arrested?"])
def test_a_yes_or_no_question_gets_a_sentence_and_no_invented_yes(asked, question):
    assert all(sentence.span is None for sentence in asked(question).sentences)


@pytest.mark.model
def test_the_largest_window_holds_a_sentence_longer_than_the_model_can_read(tmp_path):
    encoder = open_encoder(None, cache=tmp_path)
    long = "The bridge " + "and the river and the town " * 200 + "were lost in the flood."
    article_index = build_index(article_from_text(f"{long}\n\nWork began in the spring."), encoder)
    history = [Turn("What was lost in the flood? " * 30, "the bridge " * 50)]
    question = "When did the work on the bridge begin? " * 20
    reader = TrainedReader(window_pieces=400, most_pieces=10_000)
    reading = reader.read(question, history, article_index, retrieve(question, article_index, encoder))
    assert reading.read == len(article_index.sentences)


@pytest.mark.model
def test_few_pieces_read_few_sentences(tmp_path):
    encoder = open_encoder(None, cache=tmp_path)
    article_index = build_index(builtin_article(), encoder)
    question = "Who was killed?"
    reader = TrainedReader(window_pieces=64, most_pieces=100)
    reading = reader.read(question, (), article_index, retrieve(question, article_index, encoder))
    assert 0 < reading.read < len(article_index.sentences)
    assert sum(sentence.relevance for sentence in reading.sentences) + reading.none == pytest.approx(1)


@pytest.mark.model
def test_a_question_is_read_the_same_whatever_was_read_before(asked):
    first = asked("What colour was the car?")
    asked("Who is the coroner?", [Turn("Who died?", "Yasmin Chkaifi")])
    assert asked("What colour was the car?") == first


@pytest.mark.model
def test_the_shipped_graph_agrees_with_the_model_that_was_trained():
    """The figures are the float32 model's in torch; 8 bits round them by a twentieth of a nat."""
    golden = json.loads((Path(__file__).parent / "data" / "reader_golden.json").read_text(encoding="utf-8"))
    reader = TrainedReader()
    assert golden["sha256"] == reader.settings.sha256
    off = []
    for case in golden["cases"]:
        ids = np.array([case["ids"]])
        feed = {
            "words": reader._words[ids],
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.array([case["types"]]),
            "pool": np.array([case["pool"]], dtype=np.float32),
        }
        (sentence,) = reader._session.run(["sentence"], feed)
        wanted = np.array(case["sentence"])
        assert int(sentence[0].argmax()) == int(wanted.argmax())
        off.append(np.abs(sentence[0] - wanted))
    assert np.mean(off) < 0.1
    assert np.max(off) < 0.4


@pytest.mark.model
def test_a_cpu_that_saturates_is_found_out_and_gets_the_same_answers():
    """Such a CPU is played by a graph whose probe does not come out as it should."""
    import onnx
    from onnx import numpy_helper

    content = (WEIGHTS / "reader.onnx").read_bytes()
    graph = onnx.load_from_string(content)
    codes = next(table for table in graph.graph.initializer if table.name == "probe.codes")
    codes.CopyFrom(numpy_helper.from_array(np.ones((64, 16), dtype=np.int8), "probe.codes"))
    draw = np.random.default_rng(2)
    feed = {
        "words": draw.normal(scale=0.05, size=(1, 50, 384)).astype(np.float32),
        "attention_mask": np.ones((1, 50), dtype=np.int64),
        "token_type_ids": np.ones((1, 50), dtype=np.int64),
        "pool": np.full((1, 2, 50), 0.02, dtype=np.float32),
    }
    fast, slow = exact_session(content), exact_session(graph.SerializeToString())
    for name in ("sentence", "start", "end"):
        np.testing.assert_allclose(slow.run([name], feed)[0], fast.run([name], feed)[0], atol=1e-3)
    assert slow.get_modelmeta().custom_metadata_map == {"sums": "float32"}
    saturates = bool((fast.run(["probe"], feed)[0] != PROBE).any())  # this CPU itself
    assert fast.get_modelmeta().custom_metadata_map == ({"sums": "float32"} if saturates else {})


@pytest.mark.model
def test_a_graph_in_float32_is_loaded_too(tmp_path):
    """So that what 8 bits lose can be measured."""
    from onnx import load, save

    graph = load(WEIGHTS / "reader.onnx")
    (probe,) = [output for output in graph.graph.output if output.name == "probe"]
    graph.graph.output.remove(probe)
    save(graph, tmp_path / "reader.onnx")
    assert exact_session((tmp_path / "reader.onnx").read_bytes()).get_outputs()[0].name == "sentence"


@pytest.mark.model
def test_ten_plain_questions_find_their_sentence(asked):
    path = Path(__file__).parent.parent / "eval" / "questions.jsonl"
    questions = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    plain = [question for question in questions if question["kind"] == "direct"][:10]
    wrong = []
    for question in plain:
        best = asked(question["question"]).sentences[0].candidate.sentence.text
        if not any(quote in best for quote in question["evidence"]):
            wrong.append(question["question"])
    assert len(plain) == 10
    assert wrong == []


def test_a_headline_is_never_near_the_top_and_pushes_nothing_down():
    """Rows 0 to 2: a headline, then two sentences that stand first and second of what is said."""
    sentences = split_sentences("The mill that moved\n\nA mill was moved. It was old.")
    assert [lead_place(sentences, row) for row in range(3)] == [LEAD_SENTENCES, 0, 1]
    plain = split_sentences("A mill was moved. It was old.")
    assert [lead_place(plain, row) for row in range(2)] == [0, 1]


def test_a_quotation_that_ends_a_sentence_is_no_headline():
    assert not is_heading("“I was there.”")
    assert not is_heading("word " * 20 + "end")
    assert is_heading("Police free the driver")


def test_a_follow_up_is_weighed_by_its_own_weights_and_nothing_else_of_it_changes():
    usual = dict.fromkeys((*SIGNALS, *NONE_SIGNALS), 0.5)
    settings = ReaderSettings(160, 48, 48, 1200, usual, "", follow_up={"lead": 0.0})
    assert settings.weights_for(follow_up=False) == usual
    assert settings.weights_for(follow_up=True) == {**usual, "lead": 0.0}


def test_a_weight_of_no_known_name_is_refused_with_what_to_do(tmp_path):
    shutil.copy(WEIGHTS / "reader.onnx", tmp_path)
    kept = json.loads((WEIGHTS / "reader.json").read_text(encoding="utf-8"))
    (tmp_path / "reader.json").write_text(json.dumps({**kept, "follow_up": {"led": 1.0}}), encoding="utf-8")
    with pytest.raises(ModelNotFound, match="do not know led"):
        TrainedReader(tmp_path)
    lacking = {name: weight for name, weight in kept["weights"].items() if name != "around"}
    (tmp_path / "reader.json").write_text(json.dumps({**kept, "weights": lacking}), encoding="utf-8")
    with pytest.raises(ModelNotFound, match="lack around"):
        TrainedReader(tmp_path)
