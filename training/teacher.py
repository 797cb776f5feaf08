"""A checkpoint of a reader goes in, of any size; what it thinks of a batch comes out, or of a question, by torch.

The reader that ships learns from a larger one, which never ships: too slow to wait for, and 340 MB. It is asked here
for what it thinks of the windows of a batch, or takes the shipped reader's place in `training.evaluate`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from qa.spans import SentenceLogits
from qa.trained_reader import Pieces, TrainedReader, laid_out, told_apart
from training.losses import logits_of
from training.model import Logits, ReaderModel, encoder_folder


def opened(encoder: str, checkpoint: Path) -> ReaderModel:
    """Return a reader that is asked and does not learn.

    encoder: a folder or an installed package; checkpoint: a file of `training.train`.
    """
    model = ReaderModel(encoder_folder(encoder)).eval()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["weights"], strict=False)
    model.encoder.to(torch.bfloat16)  # once, or every matrix would be copied at every step
    return model.requires_grad_(False)


def thought(readers: Sequence[tuple[ReaderModel, float]], batch: dict[str, Any], *, bfloat16: bool) -> Logits:
    """Return the mean of what readers think of a batch, each with its weight.

    Readers of different making err in different places, so their mean is right more often than any of them.
    """
    total = sum(weight for _, weight in readers)
    with torch.no_grad():
        each = [(logits_of(model, batch, bfloat16=bfloat16), weight / total) for model, weight in readers]
    return Logits(
        *(sum((getattr(one, name) * share for one, share in each), torch.zeros(())) for name in Logits.__slots__)
    )


class TorchReader(TrainedReader):
    """The reader that ships, its settings and its windows, with another model to read them."""

    def __init__(self, encoder: str, checkpoint: Path) -> None:
        """Load both."""
        super().__init__()
        torch.set_num_threads(1)  # as each window of the shipped reader has one core
        self._model = opened(encoder, checkpoint)

    def _run(self, head: list[int], window: Sequence[int], pieces: Mapping[int, Pieces]) -> dict[int, SentenceLogits]:
        line, places = laid_out(head, window, pieces)
        ids = torch.tensor([line])
        types = torch.zeros_like(ids)
        types[0, len(head) :] = 1
        sentence_of = torch.full_like(ids, len(window))
        for number, (at, end) in enumerate(places):
            sentence_of[0, at:end] = number
        batch: dict[str, Any] = {
            "ids": ids, "mask": torch.ones_like(ids), "types": types, "sentence_of": sentence_of, "count": len(window),
        }  # fmt: skip
        with torch.inference_mode():
            logits = logits_of(self._model, batch, bfloat16=True)
        starts, ends = logits.start[0].numpy(), logits.end[0].numpy()
        return told_apart(logits.sentence.numpy(), starts, ends, window, places, pieces)
