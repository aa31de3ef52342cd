"""Benchmarks, not tests; those of `cycle` and `taken` compare two measurements of the same run."""
