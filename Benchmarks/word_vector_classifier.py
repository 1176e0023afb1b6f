"""Classifiers on word vectors beside fastText: accuracy and time, on the same texts with the same vectors and settings.

usage: word_vector_classifier.py VECTORS DIRECTORY [--corpora sst2 trec ag_news] [--graft PATH] [--threads 2] [--rounds 5]
           [--epochs 25] [--learning-rate 0.5] [--word-ngrams 2]

VECTORS is word2vec text. DIRECTORY has for each corpus a folder with train.tsv and test.tsv (or .tsv.gz) whose columns are
called text and label. Both are given the same words, in lower case, with blanks between them, as fastText's lines. The two
take turns. What is timed is of fastText `train_supervised` inside its process, and of Graft the whole process, which also
checks the data and writes the model. fastText has its own number of buckets, 2,000,000. The table gives medians of times, and
mean and standard deviation of accuracies with another seed in each round. Needs fasttext-wheel.
"""

import argparse
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import fasttext


def read(path):
    opened = gzip.open(path + ".gz", "rt", encoding="utf-8", newline="\n") if not os.path.exists(path) else open(
        path, encoding="utf-8", newline="\n")
    with opened as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    text, label = rows[0].index("text"), rows[0].index("label")
    return [(row[text], row[label]) for row in rows[1:]]


def write(examples, path):
    with open(path, "w", encoding="utf-8") as file:
        for text, label in examples:
            words = re.findall(r"\w+(?:['’]\w+)*", text.lower())
            file.write(f"__label__{label.replace(' ', '_')} {' '.join(words)}\n")


def run(command):
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: {result.stderr}")
    return time.perf_counter() - start, json.loads(result.stdout.strip().split("\n")[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("vectors")
    parser.add_argument("directory")
    parser.add_argument("--corpora", nargs="*", default=["sst2", "trec", "ag_news"])
    parser.add_argument("--graft", default=".build/release/graft")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--learning-rate", type=float, default=0.5)
    parser.add_argument("--word-ngrams", type=int, default=2)
    options = parser.parse_args()
    with open(options.vectors, encoding="utf-8") as file:
        dimension = int(file.readline().split()[1])
    for corpus in options.corpora:
        with tempfile.TemporaryDirectory() as directory:
            train, test = os.path.join(directory, "train.txt"), os.path.join(directory, "test.txt")
            write(read(os.path.join(options.directory, corpus, "train.tsv")), train)
            write(read(os.path.join(options.directory, corpus, "test.tsv")), test)
            theirs, ours, accuracies = [], [], ([], [])
            for seed in range(options.rounds):
                start = time.perf_counter()
                model = fasttext.train_supervised(
                    train, pretrainedVectors=options.vectors, dim=dimension, epoch=options.epochs,
                    lr=options.learning_rate, wordNgrams=options.word_ngrams, thread=options.threads, seed=seed, verbose=0)
                theirs.append(time.perf_counter() - start)
                accuracies[0].append(100 * model.test(test)[1])
                output = os.path.join(directory, "model")
                seconds, _ = run([
                    options.graft, "finetune", options.vectors, "--train", train, "--data-format", "fasttext", "--no-dev",
                    "--split-at-blanks", "--output", output, "--epochs", str(options.epochs), "--learning-rate",
                    str(options.learning_rate), "--word-ngrams", str(options.word_ngrams), "--seed", str(seed),
                    "--threads", str(options.threads)])
                ours.append(seconds)
                _, result = run([options.graft, "evaluate", output, "--data", test, "--data-format", "fasttext", "--json"])
                accuracies[1].append(100 * result["accuracy"])
                shutil.rmtree(output)
            shown = [f"{statistics.mean(a):.2f} ± {statistics.pstdev(a):.2f}" for a in accuracies]
            print(f"{corpus:10} fastText {shown[0]} %, {statistics.median(theirs):.2f} s   graft {shown[1]} %, "
                  f"{statistics.median(ours):.2f} s", flush=True)


if __name__ == "__main__":
    main()
