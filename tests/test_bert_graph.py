"""index/bert_graph.py: the graph that is written for the encoder says what the encoder says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from index.bert_graph import PROBE, bert_graph, encoder_graph, in_integers, product_inputs, without_integers
from index.embeddings import FloatArray

LAYERS, HEADS, WIDTH, INNER, VOCABULARY, EPS = 2, 2, 16, 32, 40, 1e-12


def random_weights(seed: int) -> dict[str, FloatArray]:
    draw = np.random.default_rng(seed)

    def array(*shape: int) -> FloatArray:
        return draw.normal(scale=0.5, size=shape).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": array(VOCABULARY, WIDTH),
        "embeddings.position_embeddings.weight": array(24, WIDTH),
        "embeddings.token_type_embeddings.weight": array(2, WIDTH),
        "pooler.dense.weight": array(WIDTH, WIDTH),
    }
    shapes = {"intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
    shapes |= {f"attention.{part}": (WIDTH, WIDTH) for part in ("self.query", "self.key", "self.value", "output.dense")}
    names = {f"encoder.layer.{n}.{name}": shape for n in range(LAYERS) for name, shape in shapes.items()}
    for name, shape in names.items():
        weights[f"{name}.weight"] = array(*shape)
        weights[f"{name}.bias"] = array(shape[0])
    norms = [f"encoder.layer.{n}.{part}output" for n in range(LAYERS) for part in ("", "attention.")]
    for name in ("embeddings", *norms):
        weights[f"{name}.LayerNorm.weight"] = 1 + array(WIDTH) / 4
        weights[f"{name}.LayerNorm.bias"] = array(WIDTH)
    return weights


def plain_bert(weights: dict[str, FloatArray], ids: Any, mask: Any, types: Any) -> npt.NDArray[np.float64]:
    """BERT as its paper has it, one text at a time, one head at a time, in float64, without its padding."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}

    def norm(x: Any, name: str) -> Any:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + EPS) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: Any, name: str) -> Any:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    gelu = np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)
    states = np.zeros((*ids.shape, WIDTH))
    for row in range(len(ids)):
        kept = np.flatnonzero(mask[row])
        x = w["embeddings.word_embeddings.weight"][ids[row, kept]]
        x = x + w["embeddings.position_embeddings.weight"][kept]
        x = norm(x + w["embeddings.token_type_embeddings.weight"][types[row, kept]], "embeddings.LayerNorm")
        for n in range(LAYERS):
            name = f"encoder.layer.{n}"
            q, k, v = (linear(x, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
            size = WIDTH // HEADS
            heads = []
            for h in range(HEADS):
                part = slice(h * size, (h + 1) * size)
                logits = q[:, part] @ k[:, part].T / math.sqrt(size)
                shares = np.exp(logits - logits.max(-1, keepdims=True))
                heads.append(shares / shares.sum(-1, keepdims=True) @ v[:, part])
            attended = linear(np.concatenate(heads, axis=-1), f"{name}.attention.output.dense")
            x = norm(attended + x, f"{name}.attention.output.LayerNorm")
            inner = gelu(linear(x, f"{name}.intermediate.dense"))
            x = norm(linear(inner, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")
        states[row, kept] = x
    return states


def run(model: Any, feed: dict[str, Any]) -> FloatArray:
    return np.asarray(run_all(model, feed)[0], dtype=np.float32)


def run_all(model: Any, feed: dict[str, Any]) -> list[Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, feed))


def random_feed(seed: int) -> dict[str, Any]:
    """Three pairs of texts, of 11, 7 and 1 tokens."""
    draw = np.random.default_rng(seed)
    mask = np.array([[1] * 11, [1] * 7 + [0] * 4, [1] + [0] * 10], dtype=np.int64)
    ids = draw.integers(0, VOCABULARY, size=mask.shape)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": (np.arange(11) > 4).astype(np.int64) * mask}


@pytest.mark.parametrize("seed", range(3))
def test_the_graph_computes_what_bert_is_defined_to_be(seed: int) -> None:
    weights, feed = random_weights(seed), random_feed(seed)
    states = run(bert_graph(weights, layers=LAYERS, heads=HEADS, eps=EPS), feed)
    plain = plain_bert(weights, *feed.values())
    assert states.shape == (3, 11, WIDTH)
    kept = feed["attention_mask"].astype(bool)
    np.testing.assert_allclose(states[kept], plain[kept], atol=2e-5)


def test_the_encoder_is_the_mean_of_the_states_of_real_tokens_scaled_to_length_1() -> None:
    weights, feed = random_weights(7), random_feed(7)
    vectors = run(encoder_graph(weights, layers=LAYERS, heads=HEADS, eps=EPS), feed)
    plain = plain_bert(weights, *feed.values())  # zeros where there is padding
    means = plain.sum(axis=1) / feed["attention_mask"].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, means / np.linalg.norm(means, axis=1, keepdims=True), atol=1e-5)


def test_padding_changes_no_vector() -> None:
    model, feed = encoder_graph(random_weights(1), layers=LAYERS, heads=HEADS, eps=EPS), random_feed(1)
    together = run(model, feed)
    alone = run(model, {name: array[1:2, :7] for name, array in feed.items()})
    np.testing.assert_allclose(together[1:2], alone, atol=1e-5)


def test_the_graph_is_valid_onnx_with_named_inputs_and_output() -> None:
    import onnx

    model = bert_graph(random_weights(1), layers=LAYERS, heads=HEADS)
    onnx.checker.check_model(model)
    assert [value.name for value in model.graph.input] == ["input_ids", "attention_mask", "token_type_ids"]
    assert [value.name for value in model.graph.output] == ["last_hidden_state"]


def test_weights_named_after_the_whole_model_and_in_half_precision_are_understood() -> None:
    weights, feed = random_weights(2), random_feed(2)
    halves = {name: array.astype(np.float16) for name, array in weights.items()}
    prefixed = {f"bert.{name}": array for name, array in halves.items()}
    plain = run(bert_graph({n: a.astype(np.float32) for n, a in halves.items()}, layers=LAYERS, heads=HEADS), feed)
    np.testing.assert_array_equal(run(bert_graph(prefixed, layers=LAYERS, heads=HEADS), feed), plain)


def test_a_missing_weight_is_named() -> None:
    weights = random_weights(1)
    del weights["encoder.layer.1.attention.self.key.bias"]
    with pytest.raises(KeyError, match=r"encoder\.layer\.1\.attention\.self\.key\.bias"):
        bert_graph(weights, layers=LAYERS, heads=HEADS)


def largest_of(model: Any, feed: dict[str, Any]) -> dict[str, FloatArray]:
    """The greatest magnitude of each channel of what the weights are multiplied with, on this feed."""
    import onnx
    from onnx import TensorProto, helper

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    names = sorted({states for _, states, _ in product_inputs(model)})
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    return {name: np.abs(values).max(axis=(0, 1)) for name, values in zip(names, run_all(watched, feed), strict=True)}


def on_any_cpu(small: Any, feed: dict[str, Any]) -> FloatArray:
    """What `in_integers` says; where the CPU saturates, by the sums in float32, as the program has it."""
    exact = (run_all(small, feed)[-1] == PROBE).all()
    return run(small if exact else without_integers(small), feed)


def test_products_of_8_bit_integers_leave_the_vectors_where_they_were() -> None:
    """Even of so small a model with random weights the vectors keep a cosine of 0.999; two random ones have about 0."""
    model, feed = encoder_graph(random_weights(3), layers=LAYERS, heads=HEADS, eps=EPS), random_feed(3)
    small = in_integers(model, largest_of(model, feed))
    assert ((run(model, feed) * on_any_cpu(small, feed)).sum(axis=1) > 0.999).all()
    kinds = [node.op_type for node in small.graph.node]
    assert kinds.count("MatMulIntegerToFloat") == 4 * LAYERS
    assert not {"MatMul", "Attention"} & set(kinds)
    assert {node.op_type for node in model.graph.node} & {"MatMul", "Attention"}  # the model given is not changed


def test_a_channel_that_is_a_hundred_times_as_large_does_not_set_the_step_for_all() -> None:
    from onnx import numpy_helper

    weights = random_weights(3)
    weights["encoder.layer.0.attention.output.LayerNorm.weight"][5] *= 100
    weights["encoder.layer.0.intermediate.dense.weight"][:, 5] /= 100
    model, feed = encoder_graph(weights, layers=LAYERS, heads=HEADS, eps=EPS), random_feed(3)
    tables = {table.name: numpy_helper.to_array(table) for table in model.graph.initializer}
    # A channel as large as its weights is divided by 1.
    undivided = {states: np.abs(tables[weight]).max(axis=1) for _, states, weight in product_inputs(model)}
    wanted = run(model, feed)
    smooth = ((on_any_cpu(in_integers(model, largest_of(model, feed)), feed) - wanted) ** 2).sum()
    plain = ((on_any_cpu(in_integers(model, undivided), feed) - wanted) ** 2).sum()
    assert smooth < plain / 3


def test_a_channel_that_a_gelu_never_lets_through_does_not_set_the_step_either() -> None:
    """Its least value is added to it all the same, and with a channel of 0 reach that would be divided by nothing."""
    weights = random_weights(3)
    weights["encoder.layer.0.intermediate.dense.bias"][4] = -30
    model, feed = encoder_graph(weights, layers=LAYERS, heads=HEADS, eps=EPS), random_feed(3)
    small = in_integers(model, largest_of(model, feed))
    assert ((run(model, feed) * on_any_cpu(small, feed)).sum(axis=1) > 0.999).all()


def test_without_integers_the_same_sums_are_made() -> None:
    model, feed = encoder_graph(random_weights(4), layers=LAYERS, heads=HEADS, eps=EPS), random_feed(4)
    small = in_integers(model, largest_of(model, feed))
    if (run_all(small, feed)[-1] != PROBE).any():
        pytest.skip("this CPU saturates, which is what without_integers is for: nothing exact to compare with")
    plain = without_integers(small)
    assert "MatMulIntegerToFloat" not in {node.op_type for node in plain.graph.node}
    np.testing.assert_allclose(run(plain, feed), run(small, feed), atol=1e-5)


def test_the_probe_tells_what_a_cpu_makes_of_the_largest_sums() -> None:
    model, feed = encoder_graph(random_weights(4), layers=LAYERS, heads=HEADS, eps=EPS), random_feed(4)
    small = in_integers(model, largest_of(model, feed))
    probe = run_all(small, feed)[-1]
    assert probe.dtype == np.int32
    assert PROBE == 64 * 255 * 127  # 64 products of the largest byte with the largest signed one
    assert np.unique(probe).tolist() in ([PROBE], [32 * 32767])  # exact, or every pair of products saturated


def test_a_product_whose_input_was_never_seen_is_named() -> None:
    model = bert_graph(random_weights(3), layers=LAYERS, heads=HEADS)
    with pytest.raises(KeyError, match="embedded"):
        in_integers(model, {})


def test_nodes_to_keep_stay_in_float32() -> None:
    model, feed = bert_graph(random_weights(3), layers=LAYERS, heads=HEADS), random_feed(3)
    kept = "encoder.layer.1.output.dense.product"
    small = in_integers(model, largest_of(model, feed), keep=[kept])
    assert [node.name for node in small.graph.node if node.op_type == "MatMul"] == [kept]
