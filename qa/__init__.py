"""From a question and an indexed article to an answer, and from many questions to a report."""
