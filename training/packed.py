"""A batch of windows goes in, their pieces laid end to end without padding; the encoder's states come out, to train.

The encoder of `training.model` for two cores: in the eleventh round 2.2 times as many pieces a second as by its own
code under autocast with bfloat16 (2.8 on windows of even lengths: `python -m benchmarks.training_step`). Nothing is
padded; every row attends to itself alone, so its scores stay in the processor's cache and need no mask; all between
the frozen embeddings and the heads is bfloat16, so nothing is copied from one type to another; weights stay float32.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Bounds = list[tuple[int, int]]  # the first piece of each row and the one after its last


class Masks:
    """Dropout whose coins are tossed ahead: a call multiplies with a stretch of a long mask, from a place drawn anew.

    Tossing a coin for every state of every layer took an eighth of a step. The long mask is tossed again every
    `CALLS` calls; a share of states is dropped as in Srivastava et al. 2014, to the nearest 256th.
    """

    CALLS = 400

    def __init__(self) -> None:
        self.mask = torch.empty(0)
        self.made_for: tuple[int, torch.dtype] | None = None
        self.left = 0

    def drop(self, values: Tensor, share: float) -> Tensor:
        """Return the values with about `share` of them zero and the others scaled up by 1 / (1 - share)."""
        size, of_256 = values.numel(), round(share * 256)
        if not of_256:
            return values
        if self.left == 0 or self.mask.numel() < 2 * size or self.made_for != (of_256, values.dtype):
            coins = torch.randint(0, 256, (max(1 << 23, 3 * size),), dtype=torch.uint8)
            self.mask = (coins >= of_256).to(values.dtype) / (1 - of_256 / 256)
            self.made_for = (of_256, values.dtype)
            self.left = self.CALLS
        self.left -= 1
        at = int(torch.randint(0, self.mask.numel() - size, (1,)))
        return values * self.mask[at : at + size].view_as(values)


MASKS = Masks()


class RowAttention(torch.autograd.Function):
    """Scaled dot-product attention of each row of a packed batch to itself (Vaswani et al. 2017, arXiv:1706.03762)."""

    @staticmethod
    def forward(context: Any, projected: Tensor, bounds: Bounds, bias: Tensor | None) -> Tensor:
        """Attend.

        projected: (3 x heads, pieces, size of a head): queries, already scaled, then keys, then values.
        bias: (heads, longest row, longest row), added to the scores; it does not learn.
        Returns (heads, pieces, size of a head).
        """
        queries, keys, values = projected.chunk(3)
        attended = torch.empty_like(values)
        shares = []
        for start, end in bounds:
            row = slice(start, end)
            turned = keys[:, row].transpose(1, 2)
            if bias is None:
                scores = torch.bmm(queries[:, row], turned)
            else:
                scores = torch.baddbmm(bias[:, : end - start, : end - start], queries[:, row], turned)
            share = torch.softmax(scores, dim=-1)
            attended[:, row] = torch.bmm(share, values[:, row])
            shares.append(share)
        context.bounds = bounds
        context.save_for_backward(projected, *shares)
        return attended

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient of `projected`."""
        projected, *shares = context.saved_tensors
        queries, keys, values = projected.chunk(3)
        result = torch.empty_like(projected)
        of_queries, of_keys, of_values = result.chunk(3)
        for (start, end), share in zip(context.bounds, shares, strict=True):
            row = slice(start, end)
            upstream = gradient[:, row].contiguous()
            of_values[:, row] = torch.bmm(share.transpose(1, 2), upstream)
            of_share = torch.bmm(upstream, values[:, row].transpose(1, 2))
            of_scores = torch.ops.aten._softmax_backward_data(of_share, share, -1, share.dtype)
            of_queries[:, row] = torch.bmm(of_scores, keys[:, row])
            of_keys[:, row] = torch.bmm(of_scores.transpose(1, 2), queries[:, row])
        return result, None, None


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's parts, whatever the encoder calls them."""

    query: Any
    key: Any
    value: Any
    attended: Any
    attended_norm: Any
    inner: Any
    outer: Any
    outer_norm: Any


def layers_of(encoder: Any) -> list[Layer]:
    """Return the layers of a BertModel or an MPNetModel."""
    found = []
    for layer in encoder.encoder.layer:
        if encoder.config.model_type == "mpnet":
            of = layer.attention.attn
            parts = (of.q, of.k, of.v, of.o, layer.attention.LayerNorm)
        else:
            of = layer.attention.self
            parts = (of.query, of.key, of.value, layer.attention.output.dense, layer.attention.output.LayerNorm)
        found.append(Layer(*parts, layer.intermediate.dense, layer.output.dense, layer.output.LayerNorm))
    return found


def packed_states(
    encoder: Any, ids: Tensor, mask: Tensor, types: Tensor, *, dtype: torch.dtype = torch.bfloat16
) -> Tensor:
    """Return the encoder's last layer: float32 (windows, pieces, hidden), zero where `mask` is.

    encoder: a BertModel or MPNetModel without its pooler; where it is in training, with its dropout of hidden states.
    ids, mask, types: int64 (windows, pieces).
    """
    config = encoder.config
    hidden, heads = config.hidden_size, config.num_attention_heads
    kept = mask.bool()
    places = torch.arange(mask.shape[1]).expand_as(mask)[kept]
    bounds, at = [], 0
    for size in mask.sum(dim=1).tolist():
        bounds.append((at, at + size))
        at += size
    dropout, training = config.hidden_dropout_prob, encoder.training

    def linear(values: Tensor, layer: Any) -> Tensor:
        return functional.linear(values, layer.weight.to(dtype), layer.bias.to(dtype))

    def dropped(values: Tensor) -> Tensor:
        return MASKS.drop(values, dropout) if training else values

    def added(values: Tensor, layer: Any, norm: Any, residual: Tensor) -> Tensor:
        total = dropped(linear(values, layer)) + residual
        return functional.layer_norm(total, (hidden,), norm.weight.to(dtype), norm.bias.to(dtype), norm.eps)

    embeddings = encoder.embeddings
    bias = None
    if config.model_type == "mpnet":
        # No types; positions begin after the padding's; every layer adds one bias for how far apart two pieces are.
        states = embeddings.word_embeddings(ids[kept])
        places = places + embeddings.padding_idx + 1
        with torch.no_grad():
            longest = torch.zeros(1, max(end - start for start, end in bounds), hidden)
            bias = encoder.encoder.compute_position_bias(longest)[0].to(dtype)
    else:
        states = embeddings.word_embeddings(ids[kept]) + embeddings.token_type_embeddings(types[kept])
    states = embeddings.LayerNorm(states + embeddings.position_embeddings(places)).to(dtype)
    states = dropped(states)
    scale = 1 / math.sqrt(hidden // heads)
    for layer in layers_of(encoder):
        weight = torch.cat([layer.query.weight * scale, layer.key.weight, layer.value.weight]).to(dtype)
        offset = torch.cat([layer.query.bias * scale, layer.key.bias, layer.value.bias]).to(dtype)
        projected = functional.linear(states, weight, offset).view(-1, 3 * heads, hidden // heads)
        turned = projected.transpose(0, 1).contiguous()
        attended: Tensor = RowAttention.apply(turned, bounds, bias)  # type: ignore[no-untyped-call]
        states = added(attended.transpose(0, 1).reshape(-1, hidden), layer.attended, layer.attended_norm, states)
        inner = functional.gelu(linear(states, layer.inner))
        states = added(inner, layer.outer, layer.outer_norm, states)
    padded = torch.zeros(*mask.shape, hidden)
    return padded.masked_scatter(kept[..., None].expand_as(padded), states.float())
