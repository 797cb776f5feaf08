"""The weights of a BERT go in, by their Hugging Face names; an ONNX graph that runs fast on a CPU comes out.

    [input_ids, attention_mask, token_type_ids] ──bert_graph──► last_hidden_state
                                                └─encoder_graph──► unit vectors (mean pooling, length 1)
    fp32 graph ──in_integers──► 8-bit graph (──without_integers──► the same for a CPU that cannot add such integers)

The graph is written by hand instead of traced from torch, for two reasons: making it needs neither torch nor an
exporter (onnx and numpy are enough), and it can use onnxruntime's fused operators directly (`Attention`,
`SkipLayerNormalization`, `BiasGelu`), which the session would otherwise have to find again at every start.
All operators compute exactly what BERT does: `BiasGelu` is the erf form, not the tanh approximation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

OPSET = 17
MICROSOFT_OPSET = 1
IR_VERSION = 8  # the oldest that carries opset 17, so that every onnxruntime we allow can read the file

GELU_LEAST = -0.17  # no GELU is below it (its least value is -0.16997, at -0.7518)
PROBE = 64 * 255 * 127

Weights = Mapping[str, npt.NDArray[np.float32]]


def bert_graph(weights: Weights, *, layers: int = 6, heads: int = 12, eps: float = 1e-12) -> onnx.ModelProto:
    """Return BERT's body as an ONNX model: token ids in, one state per token out.

    Inputs, int64 of shape (batch, tokens): `input_ids`, `attention_mask` (1 for a token, 0 for padding),
    `token_type_ids`. Output, float32 of shape (batch, tokens, width): `last_hidden_state`. The states of padding
    tokens are arbitrary, as they are in BERT.

    `weights` has float arrays under their Hugging Face names (`embeddings.word_embeddings.weight`,
    `encoder.layer.0.attention.self.query.weight`, ...), with or without the prefix `bert.`; names that the body
    does not use (a pooler, heads) are ignored. Half-precision arrays are widened. To add heads, append nodes to
    `model.graph.node` that read `last_hidden_state`, as `encoder_graph` does.

    Raises KeyError naming the first weight that is missing.
    """
    graph = _Graph(weights)
    graph.inputs("input_ids", "attention_mask", "token_type_ids")
    tokens = graph.node("Shape", ["input_ids"], "tokens", start=1, end=2)
    table = graph.weight("embeddings.position_embeddings.weight")
    positions = graph.node("Slice", [table, graph.const("zero", [0]), tokens], "positions")
    words = graph.node("Gather", [graph.weight("embeddings.word_embeddings.weight"), "input_ids"], "words")
    types = graph.node("Gather", [graph.weight("embeddings.token_type_embeddings.weight"), "token_type_ids"], "types")
    placed = graph.node("Add", [words, positions], "placed")
    # SkipLayerNormalization(a, b) is LayerNorm(a + b), here as in every layer below.
    states = graph.skip_norm(placed, types, "embeddings.LayerNorm", "embedded", eps=eps)
    mask = graph.node("Cast", ["attention_mask"], "mask", to=graph.INT32)
    for number in range(layers):
        name = f"encoder.layer.{number}"
        attended = graph.attention(states, mask, f"{name}.attention.self", heads=heads)
        projected = graph.product(attended, f"{name}.attention.output.dense")
        states = graph.skip_norm(
            projected, states, f"{name}.attention.output.LayerNorm", f"{name}.attended",
            eps=eps, bias=f"{name}.attention.output.dense.bias",
        )  # fmt: skip
        widened = graph.product(states, f"{name}.intermediate.dense")
        bias = graph.weight(f"{name}.intermediate.dense.bias")
        active = graph.node("BiasGelu", [widened, bias], f"{name}.gelu", domain="com.microsoft")
        narrowed = graph.product(active, f"{name}.output.dense")
        last = number == layers - 1
        states = graph.skip_norm(
            narrowed, states, f"{name}.output.LayerNorm", "last_hidden_state" if last else f"{name}.done",
            eps=eps, bias=f"{name}.output.dense.bias",
        )  # fmt: skip
    return graph.model(output="last_hidden_state", shape=["batch", "tokens", graph.width])


def encoder_graph(weights: Weights, *, layers: int = 6, heads: int = 12, eps: float = 1e-12) -> onnx.ModelProto:
    """Return a sentence encoder as an ONNX model: token ids in, one vector per text out.

    Inputs as in `bert_graph`. Output, float32 of shape (batch, width): `vectors`, the mean of the states of the
    tokens that are not padding, scaled to length 1.
    """
    from onnx import TensorProto, helper, numpy_helper

    model = bert_graph(weights, layers=layers, heads=heads, eps=eps)
    graph = model.graph
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axis_tokens"),
            numpy_helper.from_array(np.array([2], dtype=np.int64), "axis_last"),
            numpy_helper.from_array(np.array(1e-9, dtype=np.float32), "least_tokens"),
            numpy_helper.from_array(np.array(1e-12, dtype=np.float32), "least_length"),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("Cast", ["attention_mask"], ["mask_float"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask_float", "axis_last"], ["mask_column"]),
            helper.make_node("Mul", ["last_hidden_state", "mask_column"], ["kept_states"]),
            helper.make_node("ReduceSum", ["kept_states", "axis_tokens"], ["summed"], keepdims=0),
            helper.make_node("ReduceSum", ["mask_column", "axis_tokens"], ["counted"], keepdims=0),
            helper.make_node("Max", ["counted", "least_tokens"], ["divisor"]),
            helper.make_node("Div", ["summed", "divisor"], ["mean_state"]),
            helper.make_node("ReduceL2", ["mean_state"], ["measured"], axes=[1], keepdims=1),
            helper.make_node("Max", ["measured", "least_length"], ["length"]),
            helper.make_node("Div", ["mean_state", "length"], ["vectors"]),
        ]
    )
    width = graph.output[0].type.tensor_type.shape.dim[2].dim_value
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", width]))
    return model


def product_inputs(model: onnx.ModelProto, *, keep: Collection[str] = ()) -> list[tuple[onnx.NodeProto, str, str]]:
    """Return the nodes that multiply by a weight, each with the names of its input and its weight.

    The model must have been made by `bert_graph`, with or without other nodes after it. `keep` names nodes left out.
    """
    tables = {table.name for table in model.graph.initializer}
    return [
        (node, node.input[0], node.input[1])
        for node in model.graph.node
        if node.op_type in ("MatMul", "Attention") and node.name not in keep and node.input[1] in tables
    ]


def in_integers(
    model: onnx.ModelProto, largest: Mapping[str, npt.NDArray[np.float32]], *, keep: Collection[str] = ()
) -> onnx.ModelProto:
    """Return the model with its matrix products made of 8-bit integers: a third of the size, on today's CPUs faster.

    Weights have a step for every column, inputs one for every row (token), found when it comes. Before that each
    channel of an input is divided by a factor, and the weights that meet it multiplied: the square root of its largest
    magnitude over that of those weights, so that no channel sets the step for all (SmoothQuant, Xiao et al. 2023,
    arXiv:2211.10438). What leaves a GELU is never below GELU_LEAST, so it is shifted there and has all 256 steps.

    largest: for the name of every product's input (`product_inputs`), the greatest magnitude of each channel on example
    text, float32 (width,); of what leaves a GELU the shift is counted in. KeyError where one is missing. `keep` names
    nodes that stay in float32.

    An added output, `probe`, int32, is a product that comes out as PROBE only where the CPU adds up such integers
    exactly. Where it does not (AVX2 without VNNI saturates), `without_integers` says the same in float32. The model
    given is not changed.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    draft = onnx.ModelProto()
    draft.CopyFrom(model)
    graph = draft.graph
    tables = {table.name: table for table in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    chosen = {node.name: (states, weight) for node, states, weight in product_inputs(draft, keep=keep)}

    def constant(name: str, values: npt.ArrayLike) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    constant("one", np.float32(1))
    constant("least_step", np.float32(1e-9))
    for zero, steps in ((128, 127), (0, 255)):
        constant(f"zero_{zero}", np.uint8(zero))
        constant(f"of_{steps}", np.float32(1 / steps))

    def then(kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def product(states: str, weight: str, output: str) -> None:
        """output = states @ weight, by way of integers."""
        values = numpy_helper.to_array(tables[weight])  # (in, out)
        widest = np.maximum(np.abs(values).max(axis=1), 1e-5)
        # After the shift a channel reaches from 0, also one that is never above it.
        reach = largest[states] - GELU_LEAST if states.endswith(".gelu") else largest[states]
        factors = np.sqrt(np.maximum(reach, 1e-5) / widest).astype(np.float32)
        smooth = values * factors[:, None]
        scales = (np.maximum(np.abs(smooth).max(axis=0), 1e-12) / 127).astype(np.float32)
        codes = np.clip(np.round(smooth / scales), -127, 127).astype(np.int8)
        graph.initializer.remove(tables.pop(weight))
        constant(f"{weight}.codes", codes)
        constant(f"{weight}.scales", scales)
        constant(f"{weight}.shrink", 1 / factors)
        divided = then("Mul", [states, f"{weight}.shrink"], f"{weight}.divided")
        if states.endswith(".gelu"):
            zero, steps = 0, 255
            shifted = constant(f"{weight}.shift", (-GELU_LEAST / factors).astype(np.float32))
            divided = size = then("Add", [divided, shifted], f"{weight}.shifted")
            bias = f"{weight.removesuffix('weight')}bias"
            moved = numpy_helper.to_array(tables[bias]) + GELU_LEAST * (codes * scales / factors[:, None]).sum(axis=0)
            graph.initializer.remove(tables.pop(bias))
            constant(bias, moved.astype(np.float32))
        else:
            zero, steps = 128, 127
            size = then("Abs", [divided], f"{weight}.size")
        top = then("ReduceMax", [size], f"{weight}.top", axes=[-1], keepdims=1)
        step = then("Max", [then("Mul", [top, f"of_{steps}"], f"{weight}.top_step"), "least_step"], f"{weight}.step")
        counted = then("Div", [divided, step], f"{weight}.counted")
        whole = then("QuantizeLinear", [counted, "one", f"zero_{zero}"], f"{weight}.whole")
        inputs = [whole, f"{weight}.codes", "one", f"{weight}.scales", f"zero_{zero}"]
        then("Mul", [then("MatMulIntegerToFloat", inputs, f"{weight}.scaled", domain="com.microsoft"), step], output)

    for node in graph.node:
        if node.name not in chosen:
            nodes.append(node)
        elif node.op_type == "MatMul":
            product(*chosen[node.name], node.output[0])
        else:
            # The fused operator takes no such weights: its product is made beside it.
            at = node.output[0]
            heads = next(attribute.i for attribute in node.attribute if attribute.name == "num_heads")
            parts = [f"{at}.{part}" for part in ("query", "key", "value")]
            product(*chosen[node.name], f"{at}.parts")
            nodes.append(helper.make_node("Split", [f"{at}.parts"], parts, name=f"{at}.split", axis=2))
            bias, mask = node.input[2:]
            nodes.append(
                helper.make_node(
                    "MultiHeadAttention", [*parts, bias, mask], [at], name=at, domain="com.microsoft", num_heads=heads
                )
            )
    # 64 products of the largest integers there are, for every one of 4 x 16 sums.
    constant("probe.whole", np.full((4, 64), 255, dtype=np.uint8))
    constant("probe.codes", np.full((64, 16), 127, dtype=np.int8))
    then("MatMulInteger", ["probe.whole", "probe.codes"], "probe")
    graph.output.append(helper.make_tensor_value_info("probe", TensorProto.INT32, [4, 16]))
    del graph.node[:]
    graph.node.extend(nodes)
    return draft


def without_integers(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model of `in_integers` with its sums made in float32 of the same integers: slower, exact on any CPU."""
    import onnx
    from onnx import TensorProto, helper

    draft = onnx.ModelProto()
    draft.CopyFrom(model)
    nodes: list[onnx.NodeProto] = []
    for node in draft.graph.node:
        if node.op_type != "MatMulIntegerToFloat":
            nodes.append(node)
            continue
        at, (whole, codes, _, scales, zero) = node.output[0], node.input
        floats = [f"{at}.{name}" for name in ("whole", "codes", "zero")]
        for name, as_float in zip((whole, codes, zero), floats, strict=True):
            nodes.append(helper.make_node("Cast", [name], [as_float], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Sub", [floats[0], floats[2]], [f"{at}.moved"]))
        nodes.append(helper.make_node("MatMul", [f"{at}.moved", floats[1]], [f"{at}.summed"]))
        nodes.append(helper.make_node("Mul", [f"{at}.summed", scales], [at]))
    del draft.graph.node[:]
    draft.graph.node.extend(nodes)
    draft.metadata_props.add(key="sums", value="float32")  # for whoever has only a session of it
    return draft


def serialized_without_integers(graph: bytes) -> bytes:
    """Return `without_integers` of a serialized model, serialized: for those with no other use for the onnx package."""
    import onnx

    return bytes(without_integers(onnx.load_from_string(graph)).SerializeToString())


class _Graph:
    """Collects nodes and weights; every method returns the name of the tensor it made."""

    INT32 = 6  # onnx.TensorProto.INT32, spelled out so that importing this file does not import onnx

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: list[str] = []
        self.width = int(self._array("embeddings.word_embeddings.weight").shape[1])

    def _array(self, name: str) -> npt.NDArray[np.float32]:
        found = self._weights.get(name)
        if found is None:
            found = self._weights.get(f"bert.{name}")
        if found is None:
            raise KeyError(f"the weights have no {name}")
        return np.ascontiguousarray(found, dtype=np.float32)

    def const(self, name: str, values: npt.ArrayLike) -> str:
        """Add a constant; a list of integers becomes int64."""
        from onnx import numpy_helper

        self._initializers[name] = numpy_helper.from_array(np.asarray(values), name)
        return name

    def weight(self, name: str) -> str:
        """Add one of the weights as it is."""
        return self.const(name, self._array(name))

    def inputs(self, *names: str) -> None:
        """Declare inputs, int64 (batch, tokens)."""
        self._inputs.extend(names)

    def node(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        """Add an operator; the node is named after its output."""
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def product(self, states: str, name: str) -> str:
        """states @ W.T: torch keeps W as (out, in), MatMul wants (in, out)."""
        weight = self.const(f"{name}.weight", np.ascontiguousarray(self._array(f"{name}.weight").T))
        return self.node("MatMul", [states, weight], f"{name}.product")

    def attention(self, states: str, mask: str, name: str, *, heads: int) -> str:
        """All heads in one operator: queries, keys and values from one product with a (width, 3 * width) weight."""
        parts = ("query", "key", "value")
        weight = np.concatenate([self._array(f"{name}.{part}.weight").T for part in parts], axis=1)
        bias = np.concatenate([self._array(f"{name}.{part}.bias") for part in parts])
        inputs = [states, self.const(f"{name}.weight", weight), self.const(f"{name}.bias", bias), mask]
        return self.node("Attention", inputs, f"{name}.attended", domain="com.microsoft", num_heads=heads)

    def skip_norm(self, a: str, b: str, name: str, output: str, *, eps: float, bias: str | None = None) -> str:
        """LayerNorm(a + b + bias)."""
        inputs = [a, b, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        if bias is not None:
            inputs.append(self.weight(bias))
        return self.node("SkipLayerNormalization", inputs, output, domain="com.microsoft", epsilon=eps)

    def model(self, *, output: str, shape: list[str | int]) -> onnx.ModelProto:
        """Return all that was added, with one float32 output."""
        from onnx import TensorProto, helper

        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in self._inputs]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self._nodes, "bert", inputs, outputs, initializer=list(self._initializers.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", MICROSOFT_OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="article-qa")
