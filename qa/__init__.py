"""From a question and an indexed article to an answer, and from many questions to a report.

    question (+ earlier turns)
      └─ dialogue.py ──► Understood: what to search for, what the reader should see
           └─ retrieve.py ──► [Candidate], best fused first
                └─ reader.py ──► Reading: the share of each sentence, and of "none"
                     └─ confidence.py ──► calibrated probability
                          └─ answer.py ──► Answer      (Answerer runs all of it: the one object to ask)

    batch.py, show.py, doctor.py, __main__.py    the command line
    questions.py ─► evaluate.py ─► report.py     questions with known answers, scored

Importing this package loads no model library.
"""

from qa.answer import Answer, Answerer, Passage, open_answerer
from qa.dialogue import Turn

__all__ = ["Answer", "Answerer", "Passage", "Turn", "open_answerer"]
