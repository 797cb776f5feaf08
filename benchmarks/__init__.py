"""Articles and question sets come in; the figures of the README, printed with machine and spread, go out."""
