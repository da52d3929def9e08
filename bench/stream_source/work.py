"""The work of both sides: an entry's text is read as JSON and hashed a few times."""

import hashlib
import json


def work(text):
    digest = text.encode()
    for _ in range(20):
        digest = hashlib.sha256(digest).digest()
    return len(json.loads(text)["words"]) + digest[0]


TEXT = json.dumps({"words": ["stream"] * 40})
