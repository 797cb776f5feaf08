"""Prepared training data and config.toml go in; checkpoints of the reader and a log of its loss come out.

    python -m training.train build/train.jsonl.gz build/reader [--resume] [--steps N | --minutes M] [--start-from CKPT]
    torchrun --nproc-per-node 2 -m training.train ...    # one process a core: 1.4 times as fast as two threads in one

Processes each draw their own batches. They average their gradients at every step, so the batch is as many times as
large; or, with `average_every` in the settings, train alone and average their weights every so many steps (local SGD,
Lin et al. 2020, arXiv:1808.07217), so that none waits for the other and the weights are always a mean.

The loss is the marginal likelihood of every right answer (any of them will do), see `training.losses`. With a [teacher]
in the settings, a part of it is how far the pupil is from what other readers, trained before by the same program and
some of them larger, think of the same windows on the mean.
The learning rate warms up, stays, and falls linearly at the end (Hu et al. 2024, arXiv:2404.06395), so a run can be
made longer or ended early without a schedule that was fixed beforehand. With --minutes the fall follows the clock, so
that a run which has the machine for two hours ends its fall after two hours, whatever its speed.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomllib
import torch
from tokenizers import Tokenizer
from torch import Tensor

from training.examples import PAD, Example, Examples, batches
from training.losses import logits_of, losses, soft_losses
from training.model import PIECES, ReaderModel, encoder_folder
from training.teacher import opened, thought

HERE = Path(__file__).parent


def collated(batch: list[Example]) -> dict[str, Any]:
    """Return the batch as tensors: pieces padded to the longest row, sentences numbered through the batch."""
    rows = [window for example in batch for window in example.windows]
    longest = max(len(row.pieces) for row in rows)
    ids = torch.full((len(rows), longest), PAD)
    mask = torch.zeros((len(rows), longest), dtype=torch.int64)
    types = torch.zeros((len(rows), longest), dtype=torch.int64)
    sentence_of = torch.full((len(rows), longest), -1)
    count = 0
    question_of_sentence: list[int] = []
    gold: list[int] = []
    question_of_row: list[int] = []
    starts, ends = torch.zeros((len(rows), longest)), torch.zeros((len(rows), longest))
    in_article = torch.zeros((len(rows), longest), dtype=torch.bool)
    at = 0
    for number, example in enumerate(batch):
        for row in example.windows:
            size = len(row.pieces)
            ids[at, :size] = torch.tensor(row.pieces)
            mask[at, :size] = 1
            types[at, row.article_from : size] = 1
            of = torch.tensor(row.sentence_of_piece)
            sentence_of[at, :size] = torch.where(of >= 0, of + count, -1)
            in_article[at, row.article_from : size - 1] = True
            sentences = max(row.sentence_of_piece) + 1
            gold += [count + g for g in row.gold]
            question_of_sentence += [number] * sentences
            question_of_row.append(number)
            for i in row.starts:
                starts[at, i] = 1
            for i in row.ends:
                ends[at, i] = 1
            count += sentences
            at += 1
    sentence_of[sentence_of < 0] = count
    is_gold = torch.zeros(count)
    is_gold[gold] = 1
    return {
        "ids": ids, "mask": mask, "types": types, "sentence_of": sentence_of, "count": count,
        "question_of_sentence": torch.tensor(question_of_sentence), "is_gold": is_gold,
        "question_of_row": torch.tensor(question_of_row), "starts": starts, "ends": ends, "in_article": in_article,
        "has_spans": torch.tensor([e.has_spans for e in batch]), "questions": len(batch),
    }  # fmt: skip


def rate(step: int, *, warmup: int, steps: int, decay_from: int) -> float:
    """Return the share of the full learning rate at a step."""
    if step < warmup:
        return (step + 1) / warmup
    if step < decay_from:
        return 1.0
    return max((steps - step) / max(steps - decay_from, 1), 0.0)


def rate_by_clock(step: int, progress: float, *, warmup: int, decay_share: float) -> float:
    """Return the share of the full learning rate when `progress` of the time (0 to 1) has passed."""
    return max(min((step + 1) / warmup, (1.0 - progress) / decay_share, 1.0), 0.0)


def averaged(tensors: Sequence[Tensor], progress: float) -> float:
    """Average the tensors over all processes; return the first process's progress, so that all stop together."""
    if not torch.distributed.is_initialized():
        return progress
    size = torch.distributed.get_world_size()
    mine = progress * size if torch.distributed.get_rank() == 0 else 0.0
    flat = torch.cat([torch.tensor([mine]), *(t.reshape(-1) for t in tensors)])
    torch.distributed.all_reduce(flat)
    flat /= size
    at = 1
    for tensor in tensors:
        tensor.copy_(flat[at : at + tensor.numel()].view_as(tensor))
        at += tensor.numel()
    return float(flat[0])


def saved(model: ReaderModel, optimizer: torch.optim.Optimizer, step: int, seconds: float, path: Path) -> None:
    """Write a checkpoint so that a kill leaves the old one or the new one."""
    weights = {k: v for k, v in model.state_dict().items() if "embeddings." not in k}
    temporary = path.with_suffix(".part")
    torch.save({"weights": weights, "optimizer": optimizer.state_dict(), "step": step, "seconds": seconds}, temporary)
    temporary.replace(path)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in the output folder")
    parser.add_argument("--config", type=Path, default=HERE / "config.toml")
    parser.add_argument("--steps", type=int, help="instead of the configuration's")
    parser.add_argument("--decay-from", type=int, help="first step of the final fall of the learning rate")
    parser.add_argument(
        "--minutes", type=float, help="instead of steps: end after so long, the rate falling by the clock"
    )
    parser.add_argument("--start-from", type=Path, help="a former round's checkpoint: its weights, a fresh optimizer")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text(encoding="utf-8"))
    train = config["train"]
    steps = arguments.steps or train["steps"]
    decay_from = arguments.decay_from or int(steps * (1 - train["decay_share"]))
    torch.set_num_threads(train["threads"])
    torch.set_flush_denormal(True)
    torch.manual_seed(train["seed"])
    process = int(os.environ.get("RANK", "0"))
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        torch.distributed.init_process_group("gloo")
        torch.set_num_threads(1)
    folder = encoder_folder(config["model"]["start_from"])
    model = ReaderModel(folder, dropout=config["model"]["dropout"])
    model.train()
    heads = [p for n, p in model.named_parameters() if not n.startswith("encoder.")]
    body = [p for n, p in model.named_parameters() if n.startswith("encoder.") and p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": train["learning_rate"]}, {"params": heads, "lr": train["head_learning_rate"]}],
        weight_decay=train["weight_decay"],
        fused=True,
    )
    learned = [p for p in model.parameters() if p.requires_grad]
    apart = train.get("average_every", 1)  # steps that processes train alone before their weights are averaged
    full = [group["lr"] for group in optimizer.param_groups]
    arguments.output.mkdir(parents=True, exist_ok=True)
    newest = arguments.output / "newest.pt"
    step = 0
    before = 0.0  # seconds that interrupted parts of this run took
    if arguments.start_from:
        model.load_state_dict(torch.load(arguments.start_from, weights_only=True)["weights"], strict=False)
    if arguments.resume and newest.exists():
        checkpoint = torch.load(newest, weights_only=True)
        model.load_state_dict(checkpoint["weights"], strict=False)
        optimizer.load_state_dict(checkpoint["optimizer"])
        step, before = checkpoint["step"], checkpoint.get("seconds", 0.0)
    tokenizer = Tokenizer.from_file(f"{encoder_folder(PIECES)}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    teachers = [
        (opened(one["encoder"], Path(one["checkpoint"])), one["weight"])
        for one in config.get("teacher", {}).get("readers", [])
    ]
    examples = Examples(arguments.prepared, tokenizer, config["examples"], config["data"])
    # A resumed run draws new examples rather than the first ones again.
    rng = random.Random(train["seed"] + step + 100_003 * process)
    stream = batches(examples, rng, pieces_per_step=train["pieces_per_step"])
    saved_at = began = time.monotonic()
    pieces = questions = 0
    sums = [0.0, 0.0, 0.0, 0.0]
    progress = before / (60 * arguments.minutes) if arguments.minutes else 0.0
    with (arguments.output / "log.jsonl").open("a", encoding="utf-8") as log:
        while progress < 1.0 if arguments.minutes else step < steps:
            share = (
                rate_by_clock(step, progress, warmup=train["warmup_steps"], decay_share=train["decay_share"])
                if arguments.minutes
                else rate(step, warmup=train["warmup_steps"], steps=steps, decay_from=decay_from)
            )
            for group, lr in zip(optimizer.param_groups, full, strict=True):
                group["lr"] = lr * share
            batch = collated(next(stream))
            logits = logits_of(model, batch, bfloat16=train["bfloat16"])
            sentence, span = losses(logits, batch)
            loss = sentence + config["model"]["span_loss"] * span
            if teachers:
                wanted = thought(teachers, batch, bfloat16=train["bfloat16"])
                soft, soft_span = soft_losses(logits, wanted, batch)
                loss = loss + config["teacher"]["share"] * (soft - sentence)
                span_share = config["teacher"].get("span_share", 0.0)  # 0 where the teacher's spans are still poor
                loss = loss + config["model"]["span_loss"] * span_share * (soft_span - span)
                sums[2] += soft.item()
                sums[3] += soft_span.item()
            loss.backward()
            passed = before + time.monotonic() - began
            mine = passed / (60 * arguments.minutes) if arguments.minutes else 0.0
            if apart == 1:
                progress = averaged([p.grad for p in learned if p.grad is not None], mine)
            torch.nn.utils.clip_grad_norm_(learned, train["clip"])
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            if apart > 1 and (step % apart == 0 or step == steps):
                progress = averaged([p.data for p in learned], mine)
            pieces += int(batch["mask"].sum())
            questions += batch["questions"]
            sums[0] += sentence.item()
            sums[1] += span.item()
            if process:
                continue
            if step % 25 == 0:
                seconds = time.monotonic() - began
                line = {
                    "step": step, "sentence_loss": sums[0] / 25, "span_loss": sums[1] / 25, "rate": share,
                    "questions": questions, "pieces_per_second": round(pieces / seconds), "seconds": round(seconds),
                }  # fmt: skip
                if teachers:
                    line |= {"from_teacher": sums[2] / 25, "span_from_teacher": sums[3] / 25}
                sums = [0.0, 0.0, 0.0, 0.0]
                log.write(json.dumps(line) + "\n")
                log.flush()
                print(json.dumps(line), flush=True)
            last = progress >= 1.0 if arguments.minutes else step == steps
            together = step % apart == 0  # else these are one process's weights and not the mean
            if last or (together and time.monotonic() - saved_at > 60 * train["checkpoint_minutes"]):
                saved(model, optimizer, step, passed, newest)
                saved_at = time.monotonic()
            if last or (not arguments.minutes and step == decay_from):
                saved(model, optimizer, step, passed, arguments.output / f"step{step}.pt")


if __name__ == "__main__":
    main()
