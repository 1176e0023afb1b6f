"""Training of sentence encoders beside sentence-transformers: the same examples, the same settings, each loss.

usage: sentence_training.py --graft PROGRAM --model DIR --data DIR [--losses mnr,cosent] [--seeds 42,43] [--examples N]
       [--sides graft,graft-bf16,peer,peer-bf16] [--threads N]

DIR of --data holds stsb/, rte_nli/ and trec/ as tab-separated files. For every loss, side and seed a JSON line: the
Spearman correlation on the STS-B test set (for batch-*, triplet and margin-distill, which learn TREC's labels, the share of test
questions whose nearest neighbour has their label), examples a second of training, seconds of the clock, and seconds that
the processors were busy, which count on a machine that does other work too. A last line for each loss has the medians of
every side, and how many times as fast as `peer` it is. All sides use --threads threads; sentence-transformers trains with its
own trainer, and with -bf16 both multiply in bf16.

`distill` and `margin-distill` learn from a teacher: the model after an epoch of cosent, made once by graft; what it says of the
texts is computed by each side before the training that is timed.

The settings are those of `graft adapt`: one epoch, batches of 32 (16 for triplets of TREC), peak rate 2e-5, warm-up over a
tenth of the steps, no weight decay, the model's dropout.
"""

import argparse
import csv
import json
import os
import random
import re
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

RATE, WARMUP = 2e-5, 0.1
LABELLED = ("batch-all", "batch-hard", "batch-hard-soft-margin", "batch-semi-hard")
TRIPLETS = ("triplet", "margin-distill")


def rows(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def examples(loss, data, count):
    """Names of columns, and rows."""
    generator = random.Random(1)
    if loss in LABELLED + TRIPLETS:
        found = [(row["text"], row["label"]) for row in rows(data / "trec/train.tsv")]
        generator.shuffle(found)
        if loss not in TRIPLETS:
            return ("text", "label"), found[:count]
        by_label = {}
        for text, label in found:
            by_label.setdefault(label, []).append(text)
        labels = sorted(by_label)
        return ("anchor", "positive", "negative"), [
            (text, generator.choice(by_label[label]),
             generator.choice(by_label[generator.choice([l for l in labels if l != label])]))
            for text, label in found[:count]]
    if loss == "softmax":
        found = [(row["text_a"], row["text_b"], row["label"]) for row in rows(data / "rte_nli/train.tsv")]
        names = ("text_a", "text_b", "label")
    else:
        found = [(row["text_a"], row["text_b"], float(row["score"]) / 5) for row in rows(data / "stsb/train.tsv")]
        names = ("text_a", "text_b", "score")
        if loss == "mnr":
            found, names = [(a, b) for a, b, score in found if score >= 0.8], ("anchor", "positive")
        if loss in ("simcse", "tsdae", "distill"):
            found, names = [(text,) for a, b, _ in found for text in (a, b)], ("text",)
        if loss.startswith("contrastive"):
            found = [(a, b, int(score > 0.5)) for a, b, score in found]
    generator.shuffle(found)
    return names, found[:count]


def teacher(options):
    """The model after an epoch of cosent."""
    path = Path(options.scratch) / "teacher"
    if not path.exists():
        names, found = examples("cosent", Path(options.data), 2000)
        train = path.with_suffix(".tsv")
        train.write_text("\n".join("\t".join(map(str, row)) for row in [names] + found) + "\n", encoding="utf-8")
        subprocess.run([options.graft, "adapt", options.model, "--loss", "cosent", "--train", train, "--output", path],
                       check=True, capture_output=True)
    return str(path)


def train_graft(options, loss, names, found, seed, work, precision):
    train = work / "train.tsv"
    train.write_text("\n".join("\t".join(map(str, row)) for row in [names] + found) + "\n", encoding="utf-8")
    output = work / f"graft-{loss}-{seed}"
    before = busy(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [options.graft, "adapt", options.model, "--loss", loss, "--train", train, "--output", output,
         "--precision", precision, "--batch-size", str(batch_size(loss)), "--seed", str(seed), "--threads", str(options.threads),
         "--checkpoint-every", "never", *(["--teacher", teacher(options)] if "distill" in loss else [])],
        check=True, capture_output=True, text=True)
    record = json.loads(result.stdout.splitlines()[-1])
    return output, record["trainingSeconds"], busy(resource.RUSAGE_CHILDREN) - before


def busy(whose):
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def damaged(text, generator, ratio=0.6):
    """As DenoisingAutoEncoderDataset damages texts, with words found without NLTK's data."""
    words = re.findall(r"\w+|[^\w\s]", text)
    kept = [word for word in words if generator.random() >= ratio]
    return " ".join(kept or words[:1])


def batch_size(loss):
    return 16 if loss in LABELLED + TRIPLETS else 32


def train_peer(options, loss, names, found, seed, work, precision):
    import torch
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
    from sentence_transformers import SentenceTransformerTrainingArguments as Arguments
    from sentence_transformers.sentence_transformer import losses

    torch.set_num_threads(options.threads)
    model = SentenceTransformer(options.model, device="cpu")
    columns = {name: [row[i] for row in found] for i, name in enumerate(names)}
    if loss in LABELLED + ("softmax",):
        labels = sorted(set(columns["label"]))
        columns["label"] = [labels.index(label) for label in columns["label"]]
    if loss == "simcse":
        columns = {"anchor": columns["text"], "positive": columns["text"]}
    if loss == "tsdae":
        columns = {"damaged": [damaged(text, random.Random(seed + i)) for i, text in enumerate(columns["text"])],
                   "text": columns["text"]}
    if "distill" in loss:
        guide = SentenceTransformer(teacher(options), device="cpu")
        vectors = {name: guide.encode(texts, convert_to_tensor=True) for name, texts in columns.items()}
        if loss == "distill":
            columns["label"] = vectors["text"].tolist()
        else:
            anchor, positive, negative = vectors.values()
            columns["label"] = ((anchor * positive).sum(1) - (anchor * negative).sum(1)).tolist()
    size = model.get_embedding_dimension()
    module = {
        "mnr": lambda: losses.MultipleNegativesRankingLoss(model),
        "simcse": lambda: losses.MultipleNegativesRankingLoss(model),
        "cosent": lambda: losses.CoSENTLoss(model), "angle": lambda: losses.AnglELoss(model),
        "cosine": lambda: losses.CosineSimilarityLoss(model),
        "contrastive": lambda: losses.ContrastiveLoss(model),
        "contrastive-online": lambda: losses.OnlineContrastiveLoss(model),
        "distill": lambda: losses.MSELoss(model), "margin-distill": lambda: losses.MarginMSELoss(model),
        "triplet": lambda: losses.TripletLoss(model), "tsdae": lambda: losses.DenoisingAutoEncoderLoss(model),
        "softmax": lambda: losses.SoftmaxLoss(model, size, len(set(columns.get("label", [])))),
        "batch-all": lambda: losses.BatchAllTripletLoss(model), "batch-hard": lambda: losses.BatchHardTripletLoss(model),
        "batch-hard-soft-margin": lambda: losses.BatchHardSoftMarginTripletLoss(model),
        "batch-semi-hard": lambda: losses.BatchSemiHardTripletLoss(model),
    }[loss]()
    sampler = "group_by_label" if loss in LABELLED else "no_duplicates" if loss in ("mnr",) else "batch_sampler"
    arguments = Arguments(
        output_dir=str(work / "peer"), num_train_epochs=1, per_device_train_batch_size=batch_size(loss),
        learning_rate=RATE, warmup_steps=WARMUP, weight_decay=0.0, seed=seed, batch_sampler=sampler, use_cpu=True,
        bf16=precision == "bf16",
        save_strategy="no", logging_strategy="no", report_to="none", disable_tqdm=True)
    trainer = SentenceTransformerTrainer(
        model=model, args=arguments, train_dataset=Dataset.from_dict(columns), loss=module)
    started, before = time.time(), busy(resource.RUSAGE_SELF)
    trainer.train()
    seconds, work_seconds = time.time() - started, busy(resource.RUSAGE_SELF) - before
    output = work / f"peer-{loss}-{seed}"
    model.save_pretrained(str(output))
    return output, seconds, work_seconds


def score(options, loss, output):
    file = "trec/test.tsv" if loss in LABELLED + TRIPLETS else "stsb/test.tsv"
    result = subprocess.run(
        [options.graft, "evaluate", output, "--data", Path(options.data) / file, "--json", "--threads", str(options.threads)],
        check=True, capture_output=True, text=True)
    metrics = json.loads(result.stdout)
    return metrics.get("spearman", metrics.get("accuracyAt1"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--graft", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--losses", default="mnr,cosent,angle,cosine,contrastive,softmax,simcse,triplet,batch-hard-soft-margin")
    parser.add_argument("--seeds", default="42")
    parser.add_argument("--examples", type=int, default=10**9)
    parser.add_argument("--sides", default="graft,peer")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    scratch = tempfile.TemporaryDirectory()
    options.scratch = scratch.name
    for loss in options.losses.split(","):
        names, found = examples(loss, Path(options.data), options.examples)
        results = {}
        for seed in map(int, options.seeds.split(",")):
            for side in options.sides.split(","):
                system, _, precision = side.partition("-")
                train = train_graft if system == "graft" else train_peer
                with tempfile.TemporaryDirectory() as work:
                    output, seconds, busy_seconds = train(
                        options, loss, names, found, seed, Path(work), precision or "f32")
                    line = {"loss": loss, "side": side, "seed": seed, "examples": len(found),
                            "score": round(score(options, loss, output), 5), "seconds": round(seconds, 2),
                            "busySeconds": round(busy_seconds, 2), "examplesPerSecond": round(len(found) / seconds, 1)}
                results.setdefault(side, []).append(line)
                print(json.dumps(line), flush=True)
        median = lambda side, key: statistics.median(line[key] for line in results[side])
        if "peer" in results:
            print(json.dumps({
                "loss": loss, "scores": {side: median(side, "score") for side in results},
                "timesAsFast": {side: round(median("peer", "seconds") / median(side, "seconds"), 2) for side in results},
                "timesLessBusy": {side: round(median("peer", "busySeconds") / median(side, "busySeconds"), 2)
                                  for side in results}}), flush=True)


if __name__ == "__main__":
    main()
