"""Checks that sentence-transformers computes the vectors that `graft embed` wrote.

usage: check_embeddings.py DIR TEXTS VECTORS.npy [--tolerance 1e-5]

DIR is the model's directory, TEXTS holds one text per line, VECTORS.npy is [lines, size] in float32. The texts run
one by one, without padding. Exit status 1 if any component differs by the tolerance or more.
"""

import argparse
import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy
from sentence_transformers import SentenceTransformer


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("texts")
    parser.add_argument("vectors")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    arguments = parser.parse_args()

    with open(arguments.texts, encoding="utf-8", newline="\n") as file:
        texts = file.read().split("\n")
    if texts[-1] == "":
        texts.pop()
    ours = numpy.load(arguments.vectors)
    if ours.dtype != numpy.dtype("<f4"):
        sys.exit(f"{arguments.vectors}: values are {ours.dtype}, expected little-endian float32")
    model = SentenceTransformer(arguments.directory, device="cpu")
    theirs = numpy.concatenate([model.encode([text], show_progress_bar=False) for text in texts])
    if ours.shape != theirs.shape:
        sys.exit(f"{arguments.vectors}: shape {ours.shape}, sentence-transformers gives {theirs.shape}")
    differences = abs(ours - theirs).max(axis=1)
    cosines = (ours * theirs).sum(1) / numpy.linalg.norm(ours, axis=1) / numpy.linalg.norm(theirs, axis=1)
    worst = int(numpy.nanargmax(differences)) if not numpy.isnan(differences).all() else 0
    largest = float(differences.max())
    passed = largest < arguments.tolerance
    if not passed:
        print(f"{arguments.vectors}: line {worst + 1} differs by {largest:.2e}, expected less than "
              f"{arguments.tolerance:.0e}: {texts[worst][:80]!r}", file=sys.stderr)
    print(json.dumps({"texts": len(texts), "largestDifference": largest, "lowestCosine": float(cosines.min()),
                      "passed": passed}))
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
