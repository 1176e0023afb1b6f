"""Writes Tests/Golden/spacy-vectors: a tiny pipeline's vocabulary as spaCy writes it, and what spaCy makes of it.

usage: generate_spacy_vectors.py

Some words share rows, as in a pruned table; some words are names of spaCy's own, whose keys are no hashes. Version used:
spaCy 3.8.18, NumPy 2.4.6.
"""

import json
import pathlib
import shutil

import numpy
import spacy
from spacy.vectors import Vectors
from spacy.vocab import Vocab

OUTPUT = pathlib.Path(__file__).resolve().parent / "spacy-vectors"
WORDS = ("the of king queen man woman number mark X DATE _ cat dog naïve 東京 Straße extraordinarily uncharacteristically a "
         "ab abc abcd abcde abcdef abcdefg abcdefgh abcdefghi 👩‍💻").split() + ["New York"]
# Words with the row of another one.
SHARING = {"King": "king", "Queen": "queen", "dogs": "dog", "MARK": "mark", "TIME": "number"}
UNKNOWN = ["unknown", "kings", "DESERT"]


def main():
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    data = numpy.random.default_rng(3).normal(size=(len(WORDS), 6)).astype("f")
    vocab = Vocab(strings=WORDS + list(SHARING) + ["a string without a vector"])
    vocab.vectors = Vectors(strings=vocab.strings, data=data)
    for place, word in enumerate(WORDS):
        vocab.vectors.add(word, row=place)
        if place == 14:  # some words of others' rows stand before words with rows of their own
            for other, owner in SHARING.items():
                vocab.vectors.add(other, row=WORDS.index(owner))
    vocab.to_disk(OUTPUT / "vocab")
    (OUTPUT / "vocab" / "lookups.bin").unlink(missing_ok=True)

    read = Vocab().from_disk(OUTPUT / "vocab")
    # most_similar scales the queries that it is given to length 1, in place.
    _, best, scores = read.vectors.most_similar(numpy.array([read.get_vector("king")]), n=6)
    expected = {
        "spaCy": spacy.__version__,
        "words": {word: [float(v) for v in read.vectors[word]] for word in [*WORDS, *SHARING]},
        "unknown": [word for word in UNKNOWN if not read.has_vector(word)],
        "neighbors": [[WORDS[row], float(score)] for row, score in zip(best[0], scores[0])],
    }
    (OUTPUT / "expected.json").write_text(json.dumps(expected, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
