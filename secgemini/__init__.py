"""Client for the Sec-Gemini security assistant."""
