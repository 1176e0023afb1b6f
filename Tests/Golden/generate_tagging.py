"""Writes tagging/expected.json: seqeval's numbers, and the losses of ten steps of BertForTokenClassification.

usage: generate_tagging.py        (from anywhere; run generate_tiny_bert.py first; needs seqeval)

The steps start from tiny-bert-gelu with the head in head.safetensors, on random sequences of which about half of the
tokens have a label, and the others -100, without dropout; the recipe is generate_training.py's.
"""

import random
from importlib.metadata import version

import golden
import torch
from generate_training import STEPS, pad, train
from seqeval.metrics import (accuracy_score, classification_report, f1_score, precision_score, recall_score)
from transformers import BertForTokenClassification

LABELS = 5
# Given and predicted tags: right, another type, other ends, no B- where one goes, neighbours, IOBES marks.
SENTENCES = [
    ("B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC"),
    ("B-PER I-PER O B-LOC", "B-PER O O B-ORG"),
    ("O B-ORG I-ORG I-ORG O", "O I-ORG I-ORG I-ORG O"),
    ("B-LOC B-LOC O", "B-LOC I-LOC O"),
    ("B-PER I-LOC I-LOC", "I-PER I-LOC B-LOC"),
    ("S-PER B-LOC E-LOC S-LOC O", "B-PER B-LOC I-LOC E-LOC O"),
    ("O O", "O B-MISC"),
    ("I-PER E-PER I-PER O B-ORG", "I-PER E-PER I-PER O O"),
]


def entities():
    given = [row[0].split() for row in SENTENCES]
    predicted = [row[1].split() for row in SENTENCES]
    report = classification_report(given, predicted, output_dict=True, zero_division=0)
    perType = {name: {key: float(value) for key, value in row.items()} for name, row in report.items() if " " not in name}
    return {"given": given, "predicted": predicted, "precision": float(precision_score(given, predicted)),
            "recall": float(recall_score(given, predicted)), "f1": float(f1_score(given, predicted)),
            "accuracy": float(accuracy_score(given, predicted)), "perType": perType}


def steps(directory):
    source = random.Random(23)
    generator = torch.Generator().manual_seed(7)
    start = golden.HERE / "tiny-bert-gelu"

    def load():
        model = BertForTokenClassification.from_pretrained(start, num_labels=LABELS, attn_implementation="eager")
        with torch.no_grad():
            model.classifier.weight.copy_(weight)
            model.classifier.bias.copy_(bias)
        return model

    size = BertForTokenClassification.from_pretrained(start, num_labels=LABELS).config
    weight = 0.1 * torch.randn(LABELS, size.hidden_size, generator=generator)
    bias = 0.1 * torch.randn(LABELS, generator=generator)
    golden.write_tensors(directory / "head.safetensors", {"classifier.weight": weight, "classifier.bias": bias})
    batches = []
    for _ in range(STEPS):
        batch = []
        for length in (source.randrange(2, 8), source.randrange(5, 16), source.randrange(2, 24), 24):
            tags = [source.randrange(LABELS) if source.random() < 0.5 else -100 for _ in range(length)]
            tags[0] = source.randrange(LABELS)
            batch.append({"inputIDs": [source.randrange(1, size.vocab_size) for _ in range(length)],
                          "tokenTypeIDs": [0] * length, "label": tags})
        batches.append(batch)

    def padded(rows):
        length = max(len(row["label"]) for row in rows)
        return [dict(row, label=row["label"] + [-100] * (length - len(row["label"]))) for row in rows]

    records = train(load(), [padded(batch) for batch in batches], 1e-3)
    double = train(load().double(), [padded(batch) for batch in batches], 1e-3)
    difference = max(abs(a["loss"] - b["loss"]) for a, b in zip(records, double))
    print(f"losses {[round(r['loss'], 4) for r in records]}; float64 differs by {difference:.1e}")
    return {"losses": [r["loss"] for r in records], "largestDifferenceFromFloat64": difference, "batches": batches}


def main():
    directory = golden.HERE / "tagging"
    directory.mkdir(exist_ok=True)
    golden.write_json(directory / "expected.json", {
        "generator": "generate_tagging.py", "versions": {**golden.versions(), "seqeval": version("seqeval")},
        "entities": entities(), **steps(directory)})


if __name__ == "__main__":
    main()
