"""Logits of a batch of windows go in, with what is right or what a teacher thinks; the loss to learn from comes out.

One softmax runs over the sentences of all windows of a question and "none", one over all first pieces, one over all
last pieces, each with "none" at logit 0.
"""

from typing import Any

import torch
from torch import Tensor

from training.model import Logits, ReaderModel
from training.packed import packed_states


def logits_of(model: ReaderModel, batch: dict[str, Any], *, bfloat16: bool) -> Logits:
    """Read a batch as `training.train.collated` makes it."""
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    ids = batch["ids"] if model.pieces is None else model.pieces[batch["ids"]]
    states = packed_states(model.encoder, ids, batch["mask"], batch["types"], dtype=dtype)
    return model.heads(states, batch["sentence_of"], batch["count"])


def log_sum(values: Tensor, group: Tensor, groups: int, *, with_none: bool) -> Tensor:
    """Return the logarithm of the sum of exp(values) of each group, and of "none" (logit 0) too: (groups,).

    values, group: (places,).
    """
    top = torch.zeros(groups).scatter_reduce(0, group, values.detach(), "amax", include_self=True)
    sums = torch.zeros(groups).index_add(0, group, torch.exp(values - top[group]))
    if with_none:
        sums = sums + torch.exp(-top)
    return top + torch.log(sums.clamp(min=1e-30))


def marginal_loss(logits: Tensor, right: Tensor, group: Tensor, groups: int) -> Tensor:
    """Return, for each question, -log of the probability of all right places; "none" (logit 0) where no place is right.

    logits, right, group: (places,); the result: (groups,).
    """
    any_right = torch.zeros(groups).index_add(0, group, right) > 0
    of_right = torch.where(right > 0, logits, torch.full_like(logits, -1e4))
    of_right = log_sum(of_right, group, groups, with_none=False)
    return log_sum(logits, group, groups, with_none=True) - torch.where(any_right, of_right, torch.zeros(groups))


def soft_loss(logits: Tensor, teacher: Tensor, group: Tensor, groups: int) -> Tensor:
    """Return, for each question, how far its distribution is from the teacher's, "none" (logit 0) among the places.

    The Kullback-Leibler divergence KL(teacher || logits) in nats, 0 where they agree (Hinton et al. 2015,
    arXiv:1503.02531, at temperature 1).
    logits, teacher, group: (places,); the result: (groups,). No gradient reaches the teacher.
    """
    teacher = teacher.detach()
    of_pupil = log_sum(logits, group, groups, with_none=True)
    of_teacher = log_sum(teacher, group, groups, with_none=True)
    share = torch.exp(teacher - of_teacher[group])
    apart = share * ((teacher - of_teacher[group]) - (logits - of_pupil[group]))
    none = torch.exp(-of_teacher) * (of_pupil - of_teacher)
    return none + torch.zeros(groups).index_add(0, group, apart)


def losses(logits: Logits, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return the mean sentence loss and the mean span loss of the batch, by what is right."""
    n = batch["questions"]
    sentence = marginal_loss(logits.sentence, batch["is_gold"], batch["question_of_sentence"], n).mean()
    inside = batch["in_article"]
    group = batch["question_of_row"][:, None].expand_as(inside)[inside]
    spans = marginal_loss(logits.start[inside], batch["starts"][inside], group, n)
    spans = spans + marginal_loss(logits.end[inside], batch["ends"][inside], group, n)
    known = batch["has_spans"].float()
    return sentence, (spans * known).sum() / known.sum().clamp(min=1.0) / 2


def soft_losses(logits: Logits, teacher: Logits, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return the mean sentence loss and the mean span loss of the batch, by what the teacher thinks.

    The teacher has an opinion of every span, also where the data does not say which one is right.
    """
    n = batch["questions"]
    sentence = soft_loss(logits.sentence, teacher.sentence, batch["question_of_sentence"], n).mean()
    inside = batch["in_article"]
    group = batch["question_of_row"][:, None].expand_as(inside)[inside]
    spans = soft_loss(logits.start[inside], teacher.start[inside], group, n)
    spans = spans + soft_loss(logits.end[inside], teacher.end[inside], group, n)
    return sentence, spans.mean() / 2
