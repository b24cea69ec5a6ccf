"""Streamed turns of a session."""
