"""`graft distill --static` beside Model2Vec's own distillation: quality on STS-B, time, and texts/s of the static models.

usage: distillation.py MODEL STS [--graft PATH] [--dimensions 256] [--sif 1e-4] [--threads 2] [--rounds 3] [--lines 100000]

MODEL is a directory with a sentence encoder, STS a table with the columns text_a, text_b and score. Contenders take turns;
times are medians. Quality is Spearman's correlation of cosines with the scores, each side's texts encoded by its own
program; "graft's, read by Model2Vec" is Graft's directory in Model2Vec's hands. Texts/s are of the STS texts repeated to
--lines: of Graft the whole process from lines to a .npy file, of Model2Vec the call of encode with its model in memory.
Needs model2vec (0.10.0) with what its distillation needs, and SciPy.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
from scipy.stats import spearmanr


def correlation(first, second, scores):
    first, second = ([row / max(numpy.linalg.norm(row), 1e-12) for row in side] for side in (first, second))
    return float(spearmanr([a @ b for a, b in zip(first, second)], scores)[0])


def graft_vectors(graft, model, texts, threads):
    start = time.perf_counter()
    result = subprocess.run([graft, "embed", model, "--format", "npy", "--threads", str(threads)],
                            input="".join(text + "\n" for text in texts).encode(), capture_output=True)
    seconds = time.perf_counter() - start
    if result.returncode != 0:
        sys.exit(result.stderr.decode())
    header = 10 + int.from_bytes(result.stdout[8:10], "little")
    return numpy.frombuffer(result.stdout[header:], dtype="<f4").reshape(len(texts), -1), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("sts")
    parser.add_argument("--graft", default=".build/release/graft")
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--sif", type=float, default=1e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=100_000)
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    import torch
    from model2vec import StaticModel
    from model2vec.distill import distill

    torch.set_num_threads(arguments.threads)
    with open(arguments.sts, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    scores = [float(row["score"]) for row in rows]
    texts = [row["text_a"] for row in rows] + [row["text_b"] for row in rows]
    lines = (texts * (arguments.lines // len(texts) + 1))[:arguments.lines]
    times = {}

    def record(name, seconds):
        times.setdefault(name, []).append(seconds)

    with tempfile.TemporaryDirectory() as directory:
        for round in range(arguments.rounds):
            ours, theirs = os.path.join(directory, f"ours-{round}"), os.path.join(directory, f"theirs-{round}")
            start = time.perf_counter()
            subprocess.run([arguments.graft, "distill", arguments.model, "--static", "--output", ours, "--dimensions",
                            str(arguments.dimensions), "--sif", str(arguments.sif), "--threads", str(arguments.threads)],
                           check=True, stdout=subprocess.DEVNULL)
            record("distillation, graft", time.perf_counter() - start)
            start = time.perf_counter()
            distill(arguments.model, pca_dims=arguments.dimensions, sif_coefficient=arguments.sif or None,
                    quantize_to="float32").save_pretrained(theirs)
            record("distillation, Model2Vec", time.perf_counter() - start)
        static = StaticModel.from_pretrained(theirs)
        for _ in range(arguments.rounds):
            record("lines, graft", graft_vectors(arguments.graft, ours, lines, arguments.threads)[1])
            start = time.perf_counter()
            static.encode(lines, use_multiprocessing=False)
            record("lines, Model2Vec", time.perf_counter() - start)
        vectors = {
            "graft": graft_vectors(arguments.graft, ours, texts, arguments.threads)[0],
            "graft's, read by Model2Vec": StaticModel.from_pretrained(ours).encode(texts),
            "Model2Vec": static.encode(texts),
            "Model2Vec's, read by graft": graft_vectors(arguments.graft, theirs, texts, arguments.threads)[0],
            "the encoder": graft_vectors(arguments.graft, arguments.model, texts, arguments.threads)[0],
        }
    count = len(rows)
    results = {name: correlation(found[:count], found[count:], scores) for name, found in vectors.items()}
    for name, value in results.items():
        print(f"Spearman, {name:30} {value:.4f}")
    for name, values in times.items():
        median = statistics.median(values)
        rate = f"{len(lines) / median:12,.0f} texts/s" if name.startswith("lines") else ""
        print(f"{name:40} {median:8.2f} s {rate}")
        results[name] = median
    print(json.dumps({"load": os.getloadavg()[0], **results}))


if __name__ == "__main__":
    main()
