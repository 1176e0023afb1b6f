"""Word vectors beside gensim and fastText: opening, neighbours, analogies, training.

usage: word_vectors.py TEXT [--graft PATH] [--threads 2] [--rounds 3] [--vectors FILE] [--pairs FILE ...] [--parts ...]

TEXT is a text with blanks between words for training. --vectors is a word2vec binary file with a million words for opening
and neighbours; without it, one of 100 random numbers a word is made. Contenders take turns; the table gives medians. Needs
gensim and fasttext-wheel. Training is timed from the text to the vectors, without writing them: fastText inside its process,
graft by its own record; graft's whole process is in parentheses.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy


def run(command, text=None):
    start = time.perf_counter()
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: {result.stderr}")
    return time.perf_counter() - start, result.stdout


def million(path):
    source = numpy.random.default_rng(0)
    with open(path, "wb") as file:
        file.write(b"1000000 100\n")
        for part in range(100):
            values = source.normal(size=(10_000, 100)).astype("<f4")
            for i, row in enumerate(values):
                file.write(b"w%d " % (part * 10_000 + i) + row.tobytes())


def search(arguments, directory):
    graft, threads = arguments.graft, ["--threads", str(arguments.threads)]
    vectors = arguments.vectors or os.path.join(directory, "million.bin")
    if not arguments.vectors:
        million(vectors)
    own = os.path.join(directory, "million.gwv")
    seconds, _ = run([graft, "vectors", "convert", vectors, own])
    print(f"graft vectors convert: {seconds:.2f} s")
    word = open(vectors, "rb").read(200).split(b"\n", 1)[1].split(b" ")[0].decode()
    times = {}
    for _ in range(arguments.rounds):
        for name, file in [("mapped", own), ("word2vec binary", vectors)]:
            times.setdefault(f"whole process, {name}", []).append(
                run([graft, "vectors", "near", file, *threads], word + "\n")[0])
        # One line at a time through a pipe: what a question costs once the file is open.
        process = subprocess.Popen([graft, "vectors", "near", own, *threads], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        start = time.perf_counter()
        for i in range(21):
            process.stdin.write(word + "\n")
            process.stdin.flush()
            process.stdout.readline()
            now = time.perf_counter()
            times.setdefault("first answer" if i == 0 else "each answer", []).append(now - start)
            start = now
        process.stdin.close()
        process.wait()
    from gensim.models import KeyedVectors
    start = time.perf_counter()
    keyed = KeyedVectors.load_word2vec_format(vectors, binary=True)
    times["gensim: opening"] = [time.perf_counter() - start]
    keyed.most_similar(word)
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        keyed.most_similar(word)
        times.setdefault("gensim: each answer", []).append(time.perf_counter() - start)
    for name, values in times.items():
        print(f"{name:32} {1000 * statistics.median(values):9.1f} ms")
    return {name: statistics.median(values) for name, values in times.items()}


def train(arguments, directory):
    import fasttext

    results = {}
    pairs = [option for file in arguments.pairs for option in ("--pairs", file)]
    for model in arguments.models:
        for round in range(arguments.rounds):
            start = time.perf_counter()
            theirs = fasttext.train_unsupervised(arguments.text, model=model, thread=arguments.threads, verbose=0)
            seconds = time.perf_counter() - start
            theirs.save_model(os.path.join(directory, "theirs.bin"))
            results.setdefault((model, "fastText"), []).append((seconds, score(arguments, directory, "theirs.bin", pairs)))
            whole, output = run([arguments.graft, "vectors", "train", arguments.text, os.path.join(directory, "ours.gwv"),
                                 "--model", model, "--threads", str(arguments.threads), "--seed", str(round)])
            seconds = json.loads(output.strip().split("\n")[-1])["seconds"]
            results.setdefault((model, "graft"), []).append((seconds, score(arguments, directory, "ours.gwv", pairs)))
            print(f"{model}: graft {seconds:.1f} s ({whole:.1f} s)", file=sys.stderr)
    for (model, name), runs in results.items():
        seconds = statistics.median(seconds for seconds, _ in runs)
        scores = [[scores[file] for _, scores in runs] for file in runs[0][1]]
        text = "  ".join(f"{os.path.basename(file)} {numpy.mean(values):.4f} ± {numpy.std(values):.4f}"
                         for file, values in zip(runs[0][1], scores))
        print(f"{model:9} {name:9} {seconds:7.1f} s  {text}")
    return {f"{model} {name}": statistics.median(s for s, _ in runs) for (model, name), runs in results.items()}


def score(arguments, directory, name, pairs):
    if not pairs:
        return {}
    _, output = run([arguments.graft, "vectors", "evaluate", os.path.join(directory, name), "--json", *pairs])
    return {item["file"]: item["spearman"] for item in json.loads(output)["pairs"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("text")
    parser.add_argument("--graft", default=".build/release/graft")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vectors")
    parser.add_argument("--pairs", nargs="*", default=[])
    parser.add_argument("--models", nargs="*", default=["skipgram", "cbow"])
    parser.add_argument("--parts", nargs="*", default=["search", "train"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        results = {}
        if "search" in arguments.parts:
            results.update(search(arguments, directory))
        if "train" in arguments.parts:
            results.update(train(arguments, directory))
    print(json.dumps({"load": os.getloadavg()[0], **results}))


if __name__ == "__main__":
    main()
