"""Measures the library; `python -m benchmarks.library` says how."""
