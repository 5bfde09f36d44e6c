"""Vectors for texts, as OpenAI's interface gives them: texts with the same words lie near each other."""

import base64
import re
import struct
import zlib
from typing import Any

SIZE = 16


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """Answer a request for embeddings."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = [_vector(str(text)) for text in texts]
    coded = [_coded(vector) for vector in vectors] if body.get("encoding_format") == "base64" else vectors
    data = [{"object": "embedding", "index": index, "embedding": value} for index, value in enumerate(coded)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return {"object": "list", "model": body.get("model", ""), "data": data, "usage": usage}


def _vector(text: str) -> list[float]:
    """Count words into a few buckets, by a hash that is the same in every process."""
    vector = [0.01] * SIZE
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % SIZE] += 1.0
    return vector


def _coded(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
