"""Tests of qa/slices.py: which group a question belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qa.run import Run
from qa.slices import MOST_ARTICLES, question_word, slices_of


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Who rebuilt the bridge?", "who"),
        ("In which year did it fall?", "which"),
        ("How many people were hurt?", "how many"),
        ("Did she say who was hurt?", "yes or no"),
        ("the colour of the car", "other"),
    ],
)
def test_the_word_a_question_asks_with(question, word):
    assert question_word(question) == word


def spread(run: Run, articles: int) -> Run:
    """The run's first question asked of so many articles, twice of the first one."""
    (article,) = run.articles.values()
    copies = {f"{n:064x}": replace(article, fingerprint=f"{n:064x}", title=f"Article {n}") for n in range(articles)}
    first = run.outcomes[0]
    outcomes = [replace(first, id=f"q{n}", article=name) for n, name in enumerate([*copies, next(iter(copies))])]
    return replace(run, outcomes=tuple(outcomes), articles=copies)


def test_of_many_articles_the_small_ones_share_a_row(toy_run: Run):
    run = spread(toy_run, 3 * MOST_ARTICLES)
    groups = slices_of(run, run.outcomes)["article"]
    assert len(groups) == MOST_ARTICLES + 1
    assert [len(members) for members in groups.values()] == [2] + [1] * (MOST_ARTICLES - 1) + [2 * MOST_ARTICLES]
    assert list(groups)[-1] == f"the {2 * MOST_ARTICLES} other articles"


def test_one_article_over_the_limit_is_not_hidden_behind_a_row_of_its_own(toy_run: Run):
    run = spread(toy_run, MOST_ARTICLES + 1)
    groups = slices_of(run, run.outcomes)["article"]
    assert sum("other articles" in name for name in groups) == 0


def test_a_slice_of_one_group_is_left_out(toy_run: Run):
    assert "article" not in slices_of(toy_run, toy_run.outcomes)
