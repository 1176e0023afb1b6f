"""Accuracy that transformers and torch reach by full fine-tuning on one labelled corpus: the number Graft is held to.

usage: finetune_accuracy.py MODEL_DIR CORPUS_DIR [--seeds 1 2 3] [--epochs 3] [--learning-rate 5e-5]
                            [--batch-size 32] [--max-length 128] [--threads 2] [--output results.jsonl]

CORPUS_DIR holds train.tsv, dev.tsv and test.tsv (header `text<TAB>label`, no quoting), as written by
corpora/movie-reviews/prepare. Per seed it prints the test accuracy of the last epoch's weights and that of the
epoch with the best dev accuracy (the earliest of equals), and appends the same as a JSON line to --output.

The model is AutoModelForSequenceClassification, for a BERT checkpoint BertForSequenceClassification: encoder,
then `bert.pooler` (a dense layer and tanh on the first token), dropout 0.1, then `classifier`. So THE POOLER IS
USED, AND IT STARTS FROM THE CHECKPOINT when the checkpoint carries one: all-MiniLM-L6-v2 has pooler.dense.weight
and pooler.dense.bias. Only classifier.weight (normal, standard deviation 0.02) and classifier.bias (zero) are
new. The script prints which tensors were missing.

Recipe: f32, every parameter trained, AdamW (betas 0.9 and 0.999, eps 1e-8) with weight decay 0.01 that spares
biases and LayerNorm, linear schedule to zero after 6 % warm-up, gradient norm clipped at 1.0, the checkpoint's
dropout. Batches group texts of similar length: in each epoch the shuffled texts are cut into runs of 50 batches,
each run is sorted by length and cut into batches, and the batches are shuffled.
"""

import argparse
import csv
import json
import os
import random
import resource
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup


def load(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row[0] for row in rows[1:]], [row[1] for row in rows[1:]]


def pad(sequences):
    length = max(map(len, sequences))
    ids = torch.zeros(len(sequences), length, dtype=torch.long)
    mask = torch.zeros(len(sequences), length, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
        mask[row, : len(sequence)] = 1
    return ids, mask


def length_grouped_batches(sequences, batch_size, run=50):
    order = list(range(len(sequences)))
    random.shuffle(order)
    batches = []
    for start in range(0, len(order), run * batch_size):
        part = sorted(order[start : start + run * batch_size], key=lambda i: -len(sequences[i]))
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    random.shuffle(batches)
    return batches


def parameter_groups(model, weight_decay):
    spared = [p for n, p in model.named_parameters() if n.endswith("bias") or "LayerNorm" in n]
    decayed = [p for n, p in model.named_parameters() if not (n.endswith("bias") or "LayerNorm" in n)]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]


@torch.inference_mode()
def accuracy(model, sequences, labels):
    model.eval()
    order = sorted(range(len(sequences)), key=lambda i: -len(sequences[i]))
    correct = 0
    for start in range(0, len(order), 64):
        part = order[start : start + 64]
        ids, mask = pad([sequences[i] for i in part])
        predicted = model(input_ids=ids, attention_mask=mask).logits.argmax(-1)
        correct += int((predicted == torch.tensor([labels[i] for i in part])).sum())
    return 100 * correct / len(sequences)


def run(arguments, seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    data = {name: load(os.path.join(arguments.corpus, name + ".tsv")) for name in ("train", "dev", "test")}
    names = sorted(set(data["train"][1]))
    encoded = {
        name: tokenizer(texts, truncation=True, max_length=arguments.max_length)["input_ids"]
        for name, (texts, _) in data.items()
    }
    labels = {name: [names.index(label) for label in column] for name, (_, column) in data.items()}
    model, info = AutoModelForSequenceClassification.from_pretrained(
        arguments.model, num_labels=len(names), output_loading_info=True)
    missing = sorted(info["missing_keys"])
    unused = sorted(info["unexpected_keys"])
    print(f"seed {seed}: missing from the checkpoint: {missing}; unused: {unused}", flush=True)

    sequences, targets = encoded["train"], labels["train"]
    steps = -(-len(sequences) // arguments.batch_size) * arguments.epochs
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.01), lr=arguments.learning_rate)
    schedule = get_linear_schedule_with_warmup(optimizer, int(0.06 * steps), steps)
    result = {"seed": seed, "epochs": []}
    best, training = None, 0.0
    for epoch in range(1, arguments.epochs + 1):
        model.train()
        started, losses = time.perf_counter(), []
        for batch in length_grouped_batches(sequences, arguments.batch_size):
            ids, mask = pad([sequences[i] for i in batch])
            loss = model(input_ids=ids, attention_mask=mask, labels=torch.tensor([targets[i] for i in batch])).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        training += time.perf_counter() - started
        row = {
            "epoch": epoch,
            "trainLoss": round(float(np.mean(losses)), 4),
            "dev": round(accuracy(model, encoded["dev"], labels["dev"]), 2),
            "test": round(accuracy(model, encoded["test"], labels["test"]), 2),
        }
        result["epochs"].append(row)
        print(f"seed {seed}: {json.dumps(row)}", flush=True)
        if best is None or row["dev"] > best["dev"]:
            best = row
    result |= {
        "testLastEpoch": result["epochs"][-1]["test"],
        "testBestDevEpoch": best["test"],
        "bestDevEpoch": best["epoch"],
        "samplesPerSecond": round(arguments.epochs * len(sequences) / training, 1),
        "peakMemoryMB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "missing": missing,
    }
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {arguments.threads} threads")
    results = []
    for seed in arguments.seeds:
        result = run(arguments, seed)
        results.append(result)
        print(json.dumps(result), flush=True)
        if arguments.output:
            with open(arguments.output, "a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
    for key in ("testLastEpoch", "testBestDevEpoch"):
        values = [result[key] for result in results]
        print(f"{key}: mean {np.mean(values):.2f} over seeds {arguments.seeds}: {values}", flush=True)


if __name__ == "__main__":
    main()
