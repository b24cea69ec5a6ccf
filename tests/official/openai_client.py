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
    plain.usage.total_tokens > 0,
]

chunks = list(client.chat.completions.create(model="sec-gemini-1.1", messages=ask, stream=True))
got["streamed"] = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
got["finish"] = [c.choices[0].finish_reason for c in chunks if c.choices][-1]
got["objects"] = sorted({c.object for c in chunks})

parts = [
    {"type": "text", "text": "Which indicators are in the file?"},
    {"type": "file", "file": {"filename": "n.txt", "file_data": "data:text/plain;base64,ZXZpbC5leGFtcGxl"}},
]
long = client.chat.completions.create(model="sec-gemini-1.1", messages=[{"role": "user", "content": parts}])
got["file"] = "evil.example" in long.choices[0].message.content

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
