"""The default engine: offline and deterministic, it extracts, decodes and counts, and has no language model."""
