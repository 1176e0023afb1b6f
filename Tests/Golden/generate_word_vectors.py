"""Writes Tests/Golden/word-vectors: tiny models in every format, and what fastText and gensim make of them.

usage: generate_word_vectors.py

fastText's training is not reproducible between its builds: running this again gives other models with other expected
values. Versions used: fasttext-wheel 0.9.2, gensim 4.4.0, NumPy 2.4.6, SciPy 1.17.1.
"""

import json
import os
import random
import struct
import tempfile

import fasttext
import gensim
import numpy
from gensim.models import KeyedVectors

OUTPUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "word-vectors")
SUBJECTS = "king queen man woman dog cat child naïve 東京 Straße".split()
VERBS = "sees likes hears follows finds".split()
OBJECTS = "apples trees houses cafés songs rivers".split()
UNKNOWN = ["kings", "dogcat", "Zürich", "a", "東", "", "</s>", "👩‍💻"]
TEXTS = ["king sees apples", "unknownword follows the 東京", "", "a", "  dog   likes\tsongs "]


def corpus(path):
    source = random.Random(1)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(400):
            words = [source.choice(SUBJECTS), source.choice(VERBS), source.choice(OBJECTS)]
            label = "__label__short" if len(words[2]) < 6 else "__label__long"
            file.write(f"{label} {' '.join(words)}\n")


def floats(vector):
    return [float(value) for value in vector]


def facts(path):
    model = fasttext.load_model(path)
    words = model.get_words(on_unicode_error="replace")
    return {
        "words": {word: floats(model.get_word_vector(word)) for word in words},
        "unknown": {word: floats(model.get_word_vector(word)) for word in UNKNOWN},
        "sentences": [floats(model.get_sentence_vector(text)) for text in [t.replace("\n", " ") for t in TEXTS]],
        "neighbors": [[word, score] for score, word in model.get_nearest_neighbors("king", 4)],
    }


def old_format(path, target):
    """A model as fastText wrote it in 2016: without the magic number, the version and the marks of quantization."""
    with open(path, "rb") as file:
        data = file.read()
    words = struct.unpack_from("<i", data, 64)[0]
    offset = 64 + 12 + 8
    head, position = data[8:64] + data[64:64 + 20], offset + 8
    start = position
    for _ in range(words):
        position = data.index(b"\0", position) + 1 + 9
    entries, rest = data[start:position], data[position + 1:]
    rows, columns = struct.unpack_from("<qq", rest, 0)
    size = 16 + 4 * rows * columns
    with open(target, "wb") as file:
        file.write(head + entries + rest[:size] + rest[size + 1:])


def main():
    os.makedirs(OUTPUT, exist_ok=True)
    path = lambda name: os.path.join(OUTPUT, name)
    expected = {"texts": TEXTS}
    with tempfile.TemporaryDirectory() as directory:
        text = os.path.join(directory, "corpus.txt")
        corpus(text)
        options = dict(dim=6, minCount=1, bucket=60, epoch=3, thread=1, verbose=0)
        model = fasttext.train_unsupervised(text, model="skipgram", **options)
        model.save_model(path("skipgram.bin"))
        model = fasttext.train_supervised(text, minn=2, maxn=4, wordNgrams=2, lr=0.5, **{**options, "bucket": 500})
        model.save_model(path("supervised.bin"))
        for name, choices in {"pruned": dict(cutoff=300, qnorm=True), "quantized": dict(dsub=4)}.items():
            model = fasttext.load_model(path("supervised.bin"))
            model.quantize(input=text, retrain=False, **choices)
            model.save_model(path(f"{name}.ftz"))
    old_format(path("skipgram.bin"), path("skipgram-2016.bin"))
    for name in ["skipgram.bin", "supervised.bin", "pruned.ftz", "quantized.ftz"]:
        expected[name] = facts(path(name))

    source = numpy.random.default_rng(5)
    words = [f"w{i}" for i in range(60)] + ["W3", "café", "Athens", "Greece", "Baghdad", "Iraq", "Oslo", "Norway"]
    vectors = source.normal(size=(len(words), 8)).astype(numpy.float32)
    for city, country in [("Athens", "Greece"), ("Baghdad", "Iraq"), ("Oslo", "Norway")]:
        vectors[words.index(country)] = vectors[words.index(city)] + 1 + source.normal(size=8) * 0.3
    keyed = KeyedVectors(8)
    keyed.add_vectors(words, vectors)
    keyed.save_word2vec_format(path("vectors.bin"), binary=True)
    keyed.save_word2vec_format(path("vectors.txt"), write_header=False)
    with open(path("pairs.tsv"), "w") as file:
        file.write("word 1\tword 2\tscore\n# a comment\n")
        for _ in range(40):
            file.write(f"W{source.integers(70)}\tw{source.integers(70)}\t{source.integers(11)}\n")
    with open(path("analogies.txt"), "w") as file:
        file.write(": capitals\nAthens Greece Baghdad Iraq\nathens greece oslo norway\nBaghdad Iraq Oslo Norway\n"
                   "Oslo Norway Athens Greece\nParis France Oslo Norway\n: noise\nw1 w2 w3 w4\nw1 w2 w3\n"
                   "w5 w6 w7 w5\n")
    total, sections = keyed.evaluate_word_analogies(path("analogies.txt"))
    pearson, spearman, oov = keyed.evaluate_word_pairs(path("pairs.tsv"))
    all_pairs = keyed.evaluate_word_pairs(path("pairs.tsv"), dummy4unknown=True)
    expected["keyed"] = {
        "neighbors": keyed.most_similar("w3", topn=5),
        "add": keyed.most_similar(positive=["Greece", "Baghdad"], negative=["Athens"], topn=5),
        "multiply": keyed.most_similar_cosmul(positive=["Greece", "Baghdad"], negative=["Athens"], topn=5),
        "limited": keyed.most_similar("w3", topn=5, restrict_vocab=20),
        "pairs": {"spearman": float(spearman[0]), "pearson": float(pearson[0]), "unknown": float(oov)},
        "allPairs": {"spearman": float(all_pairs[1][0]), "pearson": float(all_pairs[0][0])},
        "analogies": [[s["section"], len(s["correct"]), len(s["incorrect"])] for s in sections],
        "accuracy": float(total),
    }
    with open(path("expected.json"), "w", encoding="utf-8") as file:
        json.dump(expected, file, ensure_ascii=False, indent=None, separators=(",", ":"))
    print(gensim.__version__, numpy.__version__)


if __name__ == "__main__":
    main()
