"""index/embeddings.py: texts in, rows of length 1 out, the same with torch and without it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_bert_graph import HEADS, INNER, LAYERS, WIDTH, random_weights

from index.article import Article
from index.embeddings import (
    AGREEMENT,
    BATCH_PIECES,
    DEFAULT_MODEL_SHA256,
    MANY,
    PROBES,
    FloatArray,
    OnnxEncoder,
    PairedEncoder,
    SentenceTransformerEncoder,
    _batches,
    default_model_folder,
    default_threads,
    model_folder,
    open_encoder,
    unit_rows,
    weights_fingerprint,
    why_no_graph,
)
from index.errors import ModelNotFound

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "the",
    "river",
    "flood",
    "bridge",
    "rose",
    "fell",
    "who",
    "when",
    "a",
    "?",
]


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def small_model(folder: Path, *, seed: int = 1) -> Path:
    """A whole sentence-transformers folder with a BERT of 16 dimensions and 14 word pieces."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder.mkdir(parents=True)
    save_file(random_weights(seed), folder / "model.safetensors")
    write_json(
        folder / "config.json",
        {
            "model_type": "bert", "hidden_act": "gelu", "hidden_size": WIDTH, "intermediate_size": INNER,
            "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "layer_norm_eps": 1e-12,
            "max_position_embeddings": 24,
        },
    )  # fmt: skip
    types = ("Transformer", "Pooling", "Normalize")
    write_json(folder / "modules.json", [{"type": f"sentence_transformers.models.{name}"} for name in types])
    write_json(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False},
    )
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 12})
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_model(tmp_path / "model")


TEXTS = ["The river rose", "a flood?", "", "who fell when the bridge fell", "the " * 40, "river"]


# ── Vectors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_are_scaled_to_length_1_and_a_row_of_zeros_stays() -> None:
    """3, 4 has length 5"""
    assert unit_rows(np.array([[3, 4], [0, 0]])).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0]]
    assert unit_rows(np.array([[3, 4]])).dtype == np.float32


def test_the_graph_gives_each_text_its_own_vector_of_length_1_in_the_order_given(folder: Path) -> None:
    encoder = OnnxEncoder(folder)
    vectors = encoder.encode_documents(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), WIDTH), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip(TEXTS, vectors, strict=True):
        np.testing.assert_allclose(encoder.encode_queries([text])[0], vector, atol=1e-5)


def test_more_texts_than_a_batch_holds_are_all_embedded(folder: Path) -> None:
    encoder = OnnxEncoder(folder)
    vectors = encoder.encode_documents(TEXTS * 20)
    np.testing.assert_allclose(vectors, np.tile(encoder.encode_documents(TEXTS), (20, 1)), atol=1e-5)


def test_many_texts_get_the_vectors_that_few_get(folder: Path, tmp_path: Path) -> None:
    """From MANY on, each thread computes batches of its own, with a session of its own where the graph is kept."""
    count = MANY // len(TEXTS) + 1
    for cache in (None, tmp_path):
        encoder = OnnxEncoder(folder, cache=cache, threads=2)
        vectors = encoder.encode_documents(TEXTS * count)
        np.testing.assert_allclose(vectors, np.tile(encoder.encode_documents(TEXTS), (count, 1)), atol=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_batches_hold_every_row_once_and_no_more_word_pieces_than_they_may(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(1, 500, size=300).tolist()
    found = _batches(lengths, pieces=BATCH_PIECES)
    assert sorted(row for rows in found for row in rows) == list(range(300))
    widths = [max(lengths[row] for row in rows) for rows in found]
    assert all(len(rows) == 1 or len(rows) * width <= BATCH_PIECES for rows, width in zip(found, widths, strict=True))


def test_no_text_gives_no_vector(folder: Path) -> None:
    assert OnnxEncoder(folder).encode_documents([]).shape == (0, WIDTH)


def test_a_text_is_cut_where_the_model_stops_reading(folder: Path) -> None:
    """12 pieces with [CLS] and [SEP] are 10 words"""
    vectors = OnnxEncoder(folder).encode_documents(["the " * 10, "the " * 10 + "flood", "the " * 9])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)
    assert np.abs(vectors[0] - vectors[2]).max() > 1e-3


def test_the_threads_are_some_and_at_most_four() -> None:
    assert 1 <= default_threads() <= 4


# ── The graph in the cache ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_graph_is_made_once_and_then_read(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = OnnxEncoder(folder, cache=cache).encode_queries(TEXTS)
    (graph,) = cache.rglob("encoder.onnx")
    made = graph.stat().st_mtime_ns
    (folder / "model.safetensors").unlink()  # so that no second one can be made
    fingerprint = graph.parent.name.partition("-")[0].ljust(64, "0")
    shutil.copyfile(folder / "config.json", folder / "model.safetensors")  # there, and no weights
    again = OnnxEncoder(folder, cache=cache, fingerprint=fingerprint).encode_queries(TEXTS)
    np.testing.assert_array_equal(first, again)
    assert graph.stat().st_mtime_ns == made
    assert [entry.name for entry in graph.parent.parent.iterdir()] == [graph.parent.name]


@pytest.mark.parametrize("name", ["encoder.onnx", "encoder.weights"])
@pytest.mark.parametrize("left", [0, 100])
def test_a_graph_that_was_cut_short_is_made_again(folder: Path, tmp_path: Path, name: str, left: int) -> None:
    first = OnnxEncoder(folder, cache=tmp_path / "cache").encode_queries(TEXTS)
    (file,) = (tmp_path / "cache").rglob(name)
    file.write_bytes(file.read_bytes()[:left])
    np.testing.assert_array_equal(OnnxEncoder(folder, cache=tmp_path / "cache").encode_queries(TEXTS), first)


def test_a_cache_that_cannot_be_written_is_no_reason_not_to_embed(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        vectors = OnnxEncoder(folder, cache=tmp_path / "file" / "cache").encode_queries(TEXTS)
    np.testing.assert_array_equal(vectors, OnnxEncoder(folder).encode_queries(TEXTS))
    assert "cannot be written" in caplog.text


# ── Which of the two embeds what ─────────────────────────────────────────────────────────────────────────────────────


class Recorder:
    """An encoder that hands texts on to another and remembers that it was asked."""

    def __init__(self, inner: OnnxEncoder) -> None:
        self.inner, self.asked = inner, 0
        self.name, self.fingerprint, self.dim = inner.name, inner.fingerprint, inner.dim

    def encode_documents(self, texts: Any) -> FloatArray:
        self.asked += 1
        return self.inner.encode_documents(texts)

    encode_queries = encode_documents


def pair(reference: OnnxEncoder, graph: OnnxEncoder, **options: Any) -> tuple[PairedEncoder, Recorder]:
    recorder = Recorder(reference)
    return PairedEncoder(recorder, graph, **options), recorder


def test_the_reference_embeds_the_first_article_and_the_graph_that_agreed_every_later_one(
    folder: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    encoder, reference = pair(OnnxEncoder(folder), OnnxEncoder(folder, cache=cache))
    assert encoder.graph.agreement is None
    encoder.encode_documents(TEXTS)
    assert reference.asked == 2  # the sentences, and the texts on which the two are compared
    assert encoder.graph.agreement is not None
    assert encoder.graph.agreement < AGREEMENT
    encoder.encode_documents(TEXTS)
    later, later_reference = pair(OnnxEncoder(folder), OnnxEncoder(folder, cache=cache))
    later.encode_documents(TEXTS)
    assert (reference.asked, later_reference.asked) == (2, 0)


def test_questions_never_wait_for_the_reference(folder: Path) -> None:
    encoder, reference = pair(OnnxEncoder(folder), OnnxEncoder(folder))
    encoder.encode_queries(TEXTS)
    assert reference.asked == 0


def test_a_graph_that_differs_from_the_reference_is_not_used_and_a_line_says_so(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reference = OnnxEncoder(folder)
    other = OnnxEncoder(small_model(tmp_path / "other", seed=2), fingerprint=reference.fingerprint)
    encoder, recorder = pair(reference, other)
    with caplog.at_level(logging.WARNING):
        encoder.encode_documents(TEXTS)
    assert "differs from sentence-transformers" in caplog.text
    np.testing.assert_array_equal(encoder.encode_queries(TEXTS), reference.encode_queries(TEXTS))
    np.testing.assert_array_equal(encoder.encode_documents(TEXTS), reference.encode_documents(TEXTS))
    assert recorder.asked == 4


def test_who_embeds_sentences_can_be_chosen(folder: Path) -> None:
    graph_only, reference = pair(OnnxEncoder(folder), OnnxEncoder(folder), encoder_for_documents="onnx")
    graph_only.encode_documents(TEXTS)
    assert reference.asked == 0
    always, reference = pair(OnnxEncoder(folder), OnnxEncoder(folder), encoder_for_documents="sentence-transformers")
    for _ in range(3):
        always.encode_documents(TEXTS)
    assert reference.asked == 4


def test_an_agreement_measured_with_another_onnxruntime_counts_no_more(folder: Path, tmp_path: Path) -> None:
    graph = OnnxEncoder(folder, cache=tmp_path)
    graph.measure_agreement(OnnxEncoder(folder))
    (file,) = tmp_path.rglob("agreement.json")
    write_json(file, {**json.loads(file.read_text()), "onnxruntime": "0.1"})
    assert OnnxEncoder(folder, cache=tmp_path).agreement is None


def test_two_encoders_of_other_weights_are_no_pair(folder: Path, tmp_path: Path) -> None:
    other = OnnxEncoder(small_model(tmp_path / "other", seed=2))
    with pytest.raises(ValueError, match="has the weights"):
        PairedEncoder(OnnxEncoder(folder), other)


# ── Where a model lies ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_fingerprint_is_the_hash_of_the_weights_and_is_taken_again_when_the_file_changes(
    folder: Path, tmp_path: Path
) -> None:
    weights, cache = folder / "model.safetensors", tmp_path / "cache"
    first = weights_fingerprint(folder, cache=cache)
    assert first == hashlib.sha256(weights.read_bytes()).hexdigest()
    times = weights.stat()
    weights.write_bytes(b"x" * times.st_size)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert weights_fingerprint(folder, cache=cache) == first  # remembered: the same size and time of change
    assert weights_fingerprint(folder) != first
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert weights_fingerprint(folder, cache=cache) != first


def test_the_fingerprint_of_several_weight_files_depends_on_each_and_on_its_name(tmp_path: Path) -> None:
    fingerprints = set()
    for names in (("a", "b"), ("a", "c"), ("b", "a")):
        folder = tmp_path / "".join(names)
        folder.mkdir()
        for name, content in zip(names, (b"1", b"2"), strict=True):
            (folder / f"{name}.safetensors").write_bytes(content)
        fingerprints.add(weights_fingerprint(folder))
    assert len(fingerprints) == 3


def test_what_was_remembered_and_is_damaged_is_found_out_again(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.json").write_text('{"half')
    assert weights_fingerprint(folder, cache=tmp_path) == weights_fingerprint(folder)


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("{tmp}/nowhere", "there is no such folder"),
        ("./nowhere", "there is no such folder"),
        ("{tmp}/empty", "holds no sentence-transformers model"),
        ("{tmp}/file", "there is no such folder"),
    ],
)
def test_a_model_that_is_not_there_is_one_line_that_says_what_to_give(
    tmp_path: Path, model: str, complaint: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelNotFound, match=complaint) as error:
        open_encoder(model.format(tmp=tmp_path))
    assert "\n" not in str(error.value)


def test_a_folder_without_weights_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelNotFound, match="no weights are in this folder"):
        open_encoder(str(folder))


@pytest.mark.parametrize(
    ("file", "change", "why"),
    [
        ("config.json", {"model_type": "mpnet"}, "its architecture is mpnet"),
        ("config.json", {"hidden_act": "relu"}, "its activation is relu"),
        ("config.json", {"position_embedding_type": "relative_key"}, "its positions are relative"),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}, "its pooling is not the mean"),
        ("1_Pooling/config.json", {"pooling_mode": "cls"}, "its pooling is not the mean"),
        ("config_sentence_transformers.json", {"prompts": {"query": "query: "}}, "it puts a prompt before texts"),
    ],
)
def test_a_model_that_the_graph_would_compute_wrongly_is_left_to_sentence_transformers(
    folder: Path, file: str, change: dict[str, Any], why: str
) -> None:
    assert why_no_graph(folder) is None
    path = folder / file
    write_json(path, {**(json.loads(path.read_text()) if path.exists() else {}), **change})
    found = why_no_graph(folder)
    assert found is not None
    assert why in found
    assert isinstance(open_encoder(str(folder)), SentenceTransformerEncoder)
    with pytest.raises(ValueError, match="cannot be run as a graph"):
        OnnxEncoder(folder)


def test_opening_an_encoder_loads_no_model_library(folder: Path) -> None:
    code = (
        "import sys; from index.embeddings import open_encoder; encoder = open_encoder(sys.argv[1]); "
        "assert len(encoder.fingerprint) == 64 and encoder.dim == 16; "
        "print(sorted({'torch', 'sentence_transformers', 'onnx', 'onnxruntime', 'faiss', 'bm25s'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# ── The real model ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.model
def test_the_installed_model_is_the_one_it_should_be() -> None:
    assert weights_fingerprint(model_folder()) == DEFAULT_MODEL_SHA256


@pytest.mark.model
@pytest.mark.filterwarnings("default")
def test_the_graph_gives_the_vectors_of_sentence_transformers(small_article: Article, tmp_path: Path) -> None:
    folder = default_model_folder()
    texts = [*PROBES, *small_article.text.splitlines(), "", "word " * 400, "Who?"]
    reference = SentenceTransformerEncoder(folder)
    graph = OnnxEncoder(folder, cache=tmp_path)
    assert (graph.dim, reference.dim) == (384, 384)
    np.testing.assert_allclose(graph.encode_documents(texts), reference.encode_documents(texts), atol=AGREEMENT)
    np.testing.assert_allclose(graph.encode_queries(texts), reference.encode_queries(texts), atol=AGREEMENT)
    assert graph.measure_agreement(reference) < AGREEMENT


@pytest.mark.model
def test_a_question_about_a_kept_index_never_imports_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from index.article import article_from_text; "
        "from index.build import open_index; from index.embeddings import open_encoder; cache = Path(sys.argv[1]); "
        "encoder = open_encoder(cache=cache, encoder_for_documents='onnx'); "
        "index = open_index(article_from_text('The river rose. The bridge fell.'), encoder, cache=cache); "
        "found = index.store.search(encoder.encode_queries(['What collapsed?']), k=1); "
        "print(index.sentences[found.rows[0, 0]].text, sorted({'torch', 'sentence_transformers'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "The bridge fell. []"
