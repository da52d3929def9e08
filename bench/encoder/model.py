#!/usr/bin/python3
"""Writes a model of DistilBERT-base's shape with random weights: for Thaw and torch as a folder in
the Hugging Face layout, for ONNX Runtime as a graph of its own fused operators (Attention,
SkipLayerNormalization, BiasGelu) with the same weights, and as such a graph in 8 bits.

    model.py FOLDER      does nothing when the folder is complete
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

LAYERS, HIDDEN, HEADS, INNER, WORDS, POSITIONS = 6, 768, 12, 3072, 30522, 512
EPSILON = 1e-12
COMPLETE = "complete.2"  # another name where what is written changes


def tensors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)

    def normal(*shape: int, spread: float = 0.04) -> np.ndarray:
        return random.standard_normal(shape, dtype=np.float32) * np.float32(spread)

    made = {}

    def linear(name: str, columns: int, depth: int) -> None:
        made[name + ".weight"] = normal(columns, depth)
        made[name + ".bias"] = normal(columns)

    def norm(name: str) -> None:
        made[name + ".weight"] = 1 + normal(HIDDEN)
        made[name + ".bias"] = normal(HIDDEN)

    begin = "distilbert.embeddings."
    made[begin + "word_embeddings.weight"] = normal(WORDS, HIDDEN)
    made[begin + "position_embeddings.weight"] = normal(POSITIONS, HIDDEN)
    norm(begin + "LayerNorm")
    for i in range(LAYERS):
        layer = f"distilbert.transformer.layer.{i}."
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            linear(f"{layer}attention.{name}", HIDDEN, HIDDEN)
        norm(layer + "sa_layer_norm")
        linear(layer + "ffn.lin1", INNER, HIDDEN)
        linear(layer + "ffn.lin2", HIDDEN, INNER)
        norm(layer + "output_layer_norm")
    linear("qa_outputs", 2, HIDDEN)
    return made


def write_safetensors(path: Path, made: dict[str, np.ndarray]) -> None:
    header, at = {}, 0
    for name, value in made.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape),
                        "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in made.values():
            file.write(value.tobytes())


# Protocol buffers by hand: the few messages of onnx.proto that a graph needs.
def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def data(field: int, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def tensor(name: str, value: np.ndarray) -> bytes:
    value = np.ascontiguousarray(value)
    kind = {"float32": 1, "int8": 3, "int64": 7}[value.dtype.name]
    dims = b"".join(number(1, size) for size in value.shape)
    return data(5, dims + number(2, kind) + data(8, name) + data(9, value.tobytes()))


def node(kind: str, inputs: list[str], outputs: list[str], domain: str, attributes: dict) -> bytes:
    body = b"".join(data(1, name) for name in inputs)
    body += b"".join(data(2, name) for name in outputs) + data(4, kind)
    for name, value in attributes.items():
        if isinstance(value, int):
            body += data(5, data(1, name) + number(3, value) + number(20, 2))
        else:
            body += data(5, data(1, name) + b"\x15" + struct.pack("<f", value) + number(20, 1))
    return data(1, body + data(7, domain))


def shaped(field: int, name: str, kind: int, dims: list[str]) -> bytes:
    shape = b"".join(data(1, data(2, dim)) for dim in dims)
    return data(field, data(1, name) + data(2, data(1, number(1, kind) + data(2, shape))))


class Graph:
    """The nodes of the encoder and the tensors that they use."""

    def __init__(self, made: dict[str, np.ndarray]):
        self.made, self.nodes, self.tensors = made, [], []

    def keep(self, name: str, value: np.ndarray) -> str:
        self.tensors.append(tensor(name, value))
        return name

    def get(self, name: str) -> str:
        return self.keep(name, self.made[name])

    def add(self, kind: str, inputs: list[str], *outputs: str, domain: str = "",
            **attributes) -> str:
        self.nodes.append(node(kind, inputs, list(outputs), domain, attributes))
        return outputs[0]

    def matrix(self, name: str, x: str) -> str:
        weight = self.keep(name + ".T", self.made[name + ".weight"].T)
        return self.add("MatMul", [x, weight], name + ".product")

    def skip_norm(self, name: str, x: str, more: str, bias: str) -> str:
        inputs = [x, more, self.get(name + ".weight"), self.get(name + ".bias"), self.get(bias)]
        return self.add("SkipLayerNormalization", inputs, name, domain="com.microsoft",
                        epsilon=EPSILON)

    def attention(self, layer: str, x: str, weight: np.ndarray, bias: str) -> str:
        return self.add("Attention", [x, self.keep(layer + "qkv", weight), bias],
                        layer + "attended", domain="com.microsoft", num_heads=HEADS)

    def layer(self, layer: str, x: str) -> str:
        names = [f"{layer}attention.{name}" for name in ("q_lin", "k_lin", "v_lin")]
        weight = np.concatenate([self.made[name + ".weight"].T for name in names], axis=1)
        bias = np.concatenate([self.made[name + ".bias"] for name in names])
        attended = self.attention(layer, x, weight, self.keep(layer + "qkv.bias", bias))
        out = layer + "attention.out_lin"
        x = self.skip_norm(layer + "sa_layer_norm", self.matrix(out, attended), x, out + ".bias")
        up, down = layer + "ffn.lin1", layer + "ffn.lin2"
        inner = self.add("BiasGelu", [self.matrix(up, x), self.get(up + ".bias")], up,
                         domain="com.microsoft")
        return self.skip_norm(layer + "output_layer_norm", self.matrix(down, inner), x,
                              down + ".bias")

    def encoder(self) -> bytes:
        begin = "distilbert.embeddings."
        words = self.add("Gather", [self.get(begin + "word_embeddings.weight"), "ids"], "words")
        places = self.add("Gather", [self.get(begin + "position_embeddings.weight"), "positions"],
                          "places")
        x = self.add("LayerNormalization",
                     [self.add("Add", [words, places], "sum"), self.get(begin + "LayerNorm.weight"),
                      self.get(begin + "LayerNorm.bias")], "x", axis=-1 & (1 << 64) - 1,
                     epsilon=EPSILON)
        for i in range(LAYERS):
            x = self.layer(f"distilbert.transformer.layer.{i}.", x)
        self.add("Identity", [x], "hidden")
        graph = b"".join(self.nodes) + data(2, "encoder") + b"".join(self.tensors)
        graph += shaped(11, "ids", 7, ["batch", "length"]) + shaped(11, "positions", 7, ["length"])
        graph += shaped(12, "hidden", 1, ["batch", "length", "width"])
        domains = data(8, data(1, "") + number(2, 17))
        domains += data(8, data(1, "com.microsoft") + number(2, 1))
        return number(1, 8) + data(7, graph) + domains


class Int8Graph(Graph):
    """The same with weights in 8 bits a column, and activations quantised as they come: the
    operators that ONNX Runtime's own dynamic quantisation ends in."""

    def keep_int8(self, name: str, weight: np.ndarray) -> tuple[str, str]:
        """A matrix of depth x columns and its scales."""
        scales = np.abs(weight).max(axis=0) / np.float32(127)
        whole = np.rint(weight / scales).astype(np.int8)
        return self.keep(name + ".int8", whole), self.keep(name + ".scales", scales)

    def matrix(self, name: str, x: str) -> str:
        weight, scales = self.keep_int8(name, self.made[name + ".weight"].T)
        return self.add("DynamicQuantizeMatMul", [x, weight, scales], name + ".product",
                        domain="com.microsoft")

    def attention(self, layer: str, x: str, weight: np.ndarray, bias: str) -> str:
        whole, scales = self.keep_int8(layer + "qkv", weight)
        q, scale, zero = (layer + name for name in ("q", "q.scale", "q.zero"))
        self.add("DynamicQuantizeLinear", [x], q, scale, zero)
        return self.add("QAttention", [q, whole, bias, scale, scales, "", zero],
                        layer + "attended", domain="com.microsoft", num_heads=HEADS)


def main() -> None:
    folder = Path(sys.argv[1])
    if (folder / COMPLETE).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    made = tensors()
    write_safetensors(folder / "model.safetensors", made)
    (folder / "model.onnx").write_bytes(Graph(made).encoder())
    (folder / "model.int8.onnx").write_bytes(Int8Graph(made).encoder())
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = special + [f"w{i}" for i in range(WORDS - len(special))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "config.json").write_text(json.dumps({
        "model_type": "distilbert", "architectures": ["DistilBertForQuestionAnswering"],
        "n_layers": LAYERS, "dim": HIDDEN, "n_heads": HEADS, "hidden_dim": INNER,
        "vocab_size": WORDS, "max_position_embeddings": POSITIONS, "activation": "gelu",
    }))
    (folder / COMPLETE).write_text("")


if __name__ == "__main__":
    main()
