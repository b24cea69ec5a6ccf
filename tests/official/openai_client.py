"""Drives the official `openai` Python client on /chat/completions, plain and streaming; prints what it got as JSON."""

import json
import sys

from openai import AuthenticationError, NotFoundError, OpenAI

KEY, URL = sys.argv[1:3]
client = OpenAI(api_key=KEY, base_url=URL)
got: dict[str, object] = {}
ask = [{"role": "user", "content": "Answer only with the word 'pong'"}]
plain = client.chat.completions.create(model="sec-gemini-1.1", messages=ask)
got["plain"] = [
    plain.object,
    plain.choices[0].message.content,
    plain.choices[0].finish_reason,
    plain.usage.total_tokens == plain.usage.prompt_tokens + plain.usage.completion_tokens > 0,
]
several = client.chat.completions.create(model="sec-gemini-stable", messages=ask, n=2)
got["several"] = [[choice.index, choice.message.content] for choice in several.choices]

chunks = list(client.chat.completions.create(model="sec-gemini-1.1", messages=ask, stream=True))
got["streamed"] = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
got["finish"] = [c.choices[0].finish_reason for c in chunks if c.choices][-1]
got["objects"] = sorted({c.object for c in chunks})

talk = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Is evil.example bad?"},
    {"role": "assistant", "content": "It may be."},
]
got["talk"] = client.chat.completions.create(model="sec-gemini-1.1", messages=talk + ask).choices[0].message.content

parts = [
    {"type": "text", "text": "Which indicators are in the file?"},
    {"type": "file", "file": {"filename": "n.txt", "file_data": "data:text/plain;base64,ZXZpbC5leGFtcGxl"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]
long = client.chat.completions.create(model="sec-gemini-1.1", messages=[{"role": "user", "content": parts}])
got["files"] = [word in long.choices[0].message.content for word in ("evil.example", "image/png")]

try:
    OpenAI(api_key="wrong", base_url=URL, max_retries=0).chat.completions.create(model="sec-gemini-1.1", messages=ask)
except AuthenticationError as error:
    got["wrong key"] = error.status_code
try:
    client.chat.completions.create(model="nope", messages=ask)
except NotFoundError as error:
    got["unknown model"] = error.status_code
try:
    client.with_options(max_retries=0).models.list()
except NotFoundError as error:
    got["unknown path"] = error.status_code
print("\nGOT " + json.dumps(got))
