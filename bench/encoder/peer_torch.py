#!/usr/bin/python3
"""torch as the peer of encoder_bench: the same lines in, the same lines out.

    peer_torch.py FOLDER THREADS
"""

import json
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HEADS, LAYERS, EPSILON = 12, 6, 1e-12


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    raw = np.fromfile(path, dtype=np.uint8)
    size = struct.unpack("<Q", raw[:8].tobytes())[0]
    header = json.loads(raw[8 : 8 + size].tobytes())
    found = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        found[name] = torch.from_numpy(raw[begin:end].view(np.float32).reshape(entry["shape"]))
    return found


def run(w: dict[str, torch.Tensor], ids: torch.Tensor) -> torch.Tensor:
    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], EPSILON)

    batch, length = ids.shape
    begin = "distilbert.embeddings."
    x = w[begin + "word_embeddings.weight"][ids]
    x = norm(begin + "LayerNorm", x + w[begin + "position_embeddings.weight"][:length])
    for i in range(LAYERS):
        layer = f"distilbert.transformer.layer.{i}."
        q, k, v = (
            linear(f"{layer}attention.{name}", x).view(batch, length, HEADS, -1).transpose(1, 2)
            for name in ("q_lin", "k_lin", "v_lin")
        )
        scores = torch.softmax(q @ k.transpose(2, 3) / q.shape[-1] ** 0.5, -1) @ v
        joined = scores.transpose(1, 2).reshape(batch, length, -1)
        x = norm(layer + "sa_layer_norm", x + linear(layer + "attention.out_lin", joined))
        inner = F.gelu(linear(layer + "ffn.lin1", x))
        x = norm(layer + "output_layer_norm", x + linear(layer + "ffn.lin2", inner))
    return x


def main() -> None:
    torch.set_num_threads(int(sys.argv[2]))
    weights = read_weights(Path(sys.argv[1]) / "model.safetensors")
    for line in sys.stdin:
        batch, length, times = map(int, line.split())
        ids = (torch.arange(batch * length) * 7919 + 101) % 30000
        ms = []
        with torch.inference_mode():
            for _ in range(times):
                start = time.perf_counter()
                hidden = run(weights, ids.view(batch, length))
                ms.append((time.perf_counter() - start) * 1000)
        flat = hidden.reshape(-1)
        sample = flat[torch.arange(256) * (len(flat) // 256)].tolist()
        print(json.dumps({"ms": ms, "sample": sample}), flush=True)


if __name__ == "__main__":
    main()
