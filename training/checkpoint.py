"""The shipped graph goes in; a checkpoint that a further round of training can start from comes out.

    python -m training.checkpoint qa/weights build/shipped.pt

So anyone can go on from the weights that ship, also where the checkpoints of former rounds are gone. The graph holds
its matrices in 8 bits: each weight comes back to within half a step (`index.bert_graph.in_integers`).
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from index.bert_graph import GELU_LEAST

Tables = Mapping[str, np.ndarray[Any, Any]]
PARTS = ("query", "key", "value")


def matrix(tables: Tables, name: str) -> np.ndarray[Any, Any]:
    """Return the matrix `name` as torch keeps it, float32 (out, in), from whichever form the graph has it in."""
    if name in tables:  # float32, (in, out)
        return np.ascontiguousarray(tables[name].T)
    codes, scales, shrink = (tables[f"{name}.{part}"] for part in ("codes", "scales", "shrink"))
    return np.ascontiguousarray((codes * scales * shrink[:, None]).T.astype(np.float32))


def checkpoint_of(graph: onnx.ModelProto, *, layers: int = 6) -> dict[str, torch.Tensor]:
    """Return the weights of a graph made by `training.export`, float32, by their names in ReaderModel's state.

    The three frozen embedding tables and their norm are left out: they are the installed encoder's.
    Raises KeyError where the graph is another model's.
    """
    tables = {table.name: numpy_helper.to_array(table) for table in graph.graph.initializer}
    state: dict[str, np.ndarray[Any, Any]] = {}
    for number in range(layers):
        at = f"encoder.layer.{number}"
        weight, bias = matrix(tables, f"{at}.attention.self.weight"), tables[f"{at}.attention.self.bias"]
        for part, rows, values in zip(PARTS, np.split(weight, 3), np.split(bias, 3), strict=True):
            state[f"{at}.attention.self.{part}.weight"] = rows
            state[f"{at}.attention.self.{part}.bias"] = values
        for dense in ("attention.output", "intermediate", "output"):
            state[f"{at}.{dense}.dense.weight"] = matrix(tables, f"{at}.{dense}.dense.weight")
            bias = tables[f"{at}.{dense}.dense.bias"]
            if f"{at}.{dense}.dense.weight.shift" in tables:  # the bias makes up for it
                bias = bias - GELU_LEAST * state[f"{at}.{dense}.dense.weight"].sum(axis=1)
            state[f"{at}.{dense}.dense.bias"] = bias
        for norm in ("attention.output", "output"):
            for kind in ("weight", "bias"):
                state[f"{at}.{norm}.LayerNorm.{kind}"] = tables[f"{at}.{norm}.LayerNorm.{kind}"]
    heads = {
        "sentence_hidden.weight": np.concatenate(
            [matrix(tables, "hidden_mean"), matrix(tables, "hidden_first")], axis=1
        ),
        "sentence_hidden.bias": tables["hidden_bias"],
        "sentence_out.weight": matrix(tables, "out"),
        "sentence_out.bias": tables["out_bias"],
        "span.weight": matrix(tables, "span"),
        "span.bias": tables["span_bias"],
    }
    # ReaderModel keeps the encoder under its own name, whose first word the graph's names share.
    named = {f"encoder.{name}": value for name, value in state.items()} | heads
    return {name: torch.tensor(np.asarray(value, dtype=np.float32)) for name, value in named.items()}


def main() -> None:
    """Write one checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("checkpoint", type=Path)
    arguments = parser.parse_args()
    weights = checkpoint_of(onnx.load(arguments.folder / "reader.onnx"))
    arguments.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"weights": weights, "step": 0}, arguments.checkpoint)
    print(f"{arguments.checkpoint}: {sum(w.numel() for w in weights.values()) / 1e6:.1f} million weights")


if __name__ == "__main__":
    main()
