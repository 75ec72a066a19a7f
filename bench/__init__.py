"""Measurements of what the papers claim: ratios taken in one run, on nodes of the benchmark's own."""
