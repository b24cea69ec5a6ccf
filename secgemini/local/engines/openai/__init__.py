"""The engine `openai`: any OpenAI-compatible server answers; see `engine`."""

from .engine import OpenAI as OpenAI
