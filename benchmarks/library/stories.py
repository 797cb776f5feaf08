"""News stories go in as a folder of files; how long adding, asking, changing and adding again take comes out."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.library.data import read
from index.build import cache_folder
from library import Incoming, create_library
from library.sources import listed, read_sources
from qa.answer import open_models
from qa.confidence import load_calibration
from qa.library_answer import LibraryAnswerer


def stories(paths: Sequence[Path], *, count: int, questions: int) -> None:
    """Print the stopwatch of a folder that is added, asked, half changed, added again and asked again."""
    encoder, reader = open_models(None, "trained", cache_folder())
    articles, asked = read(paths)
    mine = {one.article.source for one in articles[:count]}
    wanted = list(dict.fromkeys(one.question for one in asked if one.source in mine))
    wanted = wanted[:: max(len(wanted) // questions, 1)][:questions]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "stories"
        folder.mkdir()
        for number, one in enumerate(articles[:count]):
            (folder / f"{number:03}.txt").write_text(one.article.text, encoding="utf-8")
        began = time.perf_counter()
        encoder.encode_documents(["The river rose on Monday."])
        print(f"the model loaded: {time.perf_counter() - began:.2f} s")
        with create_library(Path(place) / "library", encoder) as library:
            answerer = LibraryAnswerer(library, encoder, reader, load_calibration(reader.name))

            def add(what: str) -> None:
                began = time.perf_counter()
                came = (one for _, one in read_sources(listed([str(folder)]), stamps=library.stamps()))
                done = library.add((one for one in came if isinstance(one, Incoming)), encoder)
                print(
                    f"{what}: {time.perf_counter() - began:.2f} s ({done.added} added, {done.changed} changed, "
                    f"{done.sentences:,} sentences in them, {done.embedded:,} embedded)",
                    flush=True,
                )

            def ask(what: str) -> None:
                times = []
                for question in wanted:
                    began = time.perf_counter()
                    answerer.ask(question)
                    times.append(1000 * (time.perf_counter() - began))
                least, most = min(times), max(times)
                middle = statistics.median(times)
                print(f"{what}: median {middle:.0f} ms ({least:.0f} to {most:.0f}, n {len(times)})", flush=True)

            add(f"{count} stories added")
            answerer.ask(wanted[0])  # the reader is loaded by its first question
            ask("asked")
            add("the same folder again")
            for number, path in enumerate(sorted(folder.iterdir())):
                if number % 2:
                    text = path.read_text(encoding="utf-8")
                    path.write_text(f"{text}\n\nStory {number} was corrected on Monday.\n", encoding="utf-8")
            add("half of them changed by a sentence, added again")
            ask("asked again")
            answer = answerer.ask("Which story was corrected on Monday?")
            best = answer.sentence or answer.nearest_miss
            print(f"a sentence that came with the change: {best.text if best else 'not found'}")
