#!/usr/bin/env python3
"""The peer of bench/embed.sh: all-MiniLM-L6-v2 in ONNX Runtime.

usage: embed_peer.py make MODEL_DIR OUT.onnx          writes the model as an ONNX graph
       embed_peer.py run MODEL.onnx IDS THREADS ROUNDS  prints the best round: seconds, seconds of processor time, what ran
Token ids come ready from a file, so that only the model is timed (floe is timed with its tokenizer). Texts are sorted by
length, as sentence-transformers does; of several batch sizes the fastest counts.
"""
import math
import sys
import time

import numpy as np

LAYERS, HEADS, HIDDEN = 6, 12, 384


class Graph:
    """Nodes in the shapes that PyTorch's exporter writes, which are those that ONNX Runtime knows how to fuse."""

    def __init__(self, weights):
        from onnx import helper, numpy_helper

        self.helper, self.numpy_helper = helper, numpy_helper
        self.weights, self.nodes, self.constants = weights, [], {}

    def constant(self, name, array):
        self.constants[name] = self.numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def weight(self, name, transpose=False):
        array = self.weights[name]
        return self.constant(name, array.T if transpose else array)

    def node(self, kind, *inputs, **attributes):
        out = "n%d" % len(self.nodes)
        self.nodes.append(self.helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def linear(self, x, name):
        return self.node("Add", self.node("MatMul", x, self.weight(name + ".weight", True)), self.weight(name + ".bias"))

    def norm(self, x, name):
        return self.node("LayerNormalization", x, self.weight(name + ".weight"), self.weight(name + ".bias"), axis=-1, epsilon=1e-12)

    def heads(self, x, order):
        shape = self.constant("split", np.array([0, 0, HEADS, HIDDEN // HEADS], dtype=np.int64))
        return self.node("Transpose", self.node("Reshape", x, shape), perm=order)

    def attention(self, x, mask, at):
        q, k, v = (self.linear(x, at + "attention.self." + part) for part in ("query", "key", "value"))
        scores = self.node("MatMul", self.heads(q, [0, 2, 1, 3]), self.heads(k, [0, 2, 3, 1]))
        scores = self.node("Div", scores, self.constant("root", np.float32(math.sqrt(HIDDEN // HEADS))))
        scores = self.node("Softmax", self.node("Add", scores, mask), axis=-1)
        context = self.node("Transpose", self.node("MatMul", scores, self.heads(v, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        merge = self.constant("merge", np.array([0, 0, HIDDEN], dtype=np.int64))
        return self.linear(self.node("Reshape", context, merge), at + "attention.output.dense")

    def gelu(self, x):
        inner = self.node("Erf", self.node("Div", x, self.constant("root2", np.float32(math.sqrt(2)))))
        inner = self.node("Mul", x, self.node("Add", inner, self.constant("one", np.float32(1))))
        return self.node("Mul", inner, self.constant("half", np.float32(0.5)))

    def encoder(self):
        mask = self.node("Unsqueeze", "mask", self.constant("axes", np.array([1, 2], dtype=np.int64)))
        mask = self.node("Sub", self.constant("one", np.float32(1)), self.node("Cast", mask, to=1))
        mask = self.node("Mul", mask, self.constant("low", np.float32(-10000)))
        x = self.node("Gather", self.weight("embeddings.word_embeddings.weight"), "ids")
        x = self.node("Add", x, self.node("Gather", self.weight("embeddings.position_embeddings.weight"), "positions"))
        x = self.node("Add", x, self.constant("type0", self.weights["embeddings.token_type_embeddings.weight"][0]))
        x = self.norm(x, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            at = "encoder.layer.%d." % layer
            x = self.norm(self.node("Add", self.attention(x, mask, at), x), at + "attention.output.LayerNorm")
            more = self.linear(self.gelu(self.linear(x, at + "intermediate.dense")), at + "output.dense")
            x = self.norm(self.node("Add", more, x), at + "output.LayerNorm")
        return x

    def save(self, path):
        import onnx

        rows = self.encoder()
        self.nodes.append(self.helper.make_node("Identity", [rows], ["rows"]))
        value, integer, real = self.helper.make_tensor_value_info, onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
        inputs = [value(name, integer, ["batch", "len"]) for name in ("ids", "mask")] + [value("positions", integer, ["len"])]
        graph = self.helper.make_graph(self.nodes, "minilm", inputs, [value("rows", real, ["batch", "len", HIDDEN])], list(self.constants.values()))
        onnx.save(self.helper.make_model(graph, opset_imports=[self.helper.make_opsetid("", 17)], ir_version=8), path)


def read_safetensors(path):
    import json

    with open(path, "rb") as file:
        header_len = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(header_len))
        data = file.read()
    weights = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            weights[name] = np.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"])
    return weights


def open_session(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]), onnxruntime.__version__


def batches(texts, size):
    for begin in range(0, len(texts), size):
        some = texts[begin : begin + size]
        longest = max(map(len, some))
        ids = np.array([t + [0] * (longest - len(t)) for t in some], dtype=np.int64)
        mask = np.array([[1] * len(t) + [0] * (longest - len(t)) for t in some], dtype=np.int64)
        yield ids, mask


def embed(session, names, ids, mask):
    feed = {"ids": ids, "mask": mask, "positions": np.arange(ids.shape[1])}
    if "input_ids" in names:
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    rows = session.run(None, feed)[0]
    weight = mask[..., None].astype(np.float32)
    mean = (rows * weight).sum(axis=1) / weight.sum(axis=1)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def run(path, ids_path, threads, rounds):
    session, version = open_session(path, threads)
    names = {item.name for item in session.get_inputs()}
    with open(ids_path, encoding="ascii") as file:
        texts = sorted(([int(x) for x in line.split()] for line in file), key=len)
    best, best_cpu = (math.inf, 0), math.inf
    for size in (8, 16, 32, 64):
        prepared = list(batches(texts, size))
        for _ in range(rounds):
            start, start_cpu = time.perf_counter(), time.process_time()
            for ids, mask in prepared:
                embed(session, names, ids, mask)
            best = min(best, (time.perf_counter() - start, size))
            best_cpu = min(best_cpu, time.process_time() - start_cpu)
    print("%.6f %.6f ONNX Runtime %s (batches of %d)" % (best[0], best_cpu, version, best[1]))


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "make":
        Graph(read_safetensors(sys.argv[2] + "/model.safetensors")).save(sys.argv[3])
    elif len(sys.argv) == 6 and sys.argv[1] == "run":
        run(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        sys.exit(__doc__)
