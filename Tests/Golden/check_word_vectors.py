"""Checks that `graft vectors` computes what gensim, fastText and spaCy compute, on published files.

usage: check_word_vectors.py GRAFT FILE [FILE ...]

Each FILE is a model in fastText's format, vectors in word2vec's (text or binary), or the folder of a spaCy pipeline, which
needs spaCy instead of gensim and fasttext-wheel. All its words, and words made of them
that it does not have, go through `graft vectors embed --split-at-blanks`, which for a line of one word gives the word's
vector; neighbours and analogies of frequent words go through `near` and `analogy`. Exit status 1 if a component differs by
1e-6 or more (relative to vectors longer than 1). What `graft vectors convert --to fasttext` makes of the file is opened by
fastText, and must give every word its vector, and unknown words theirs (in length 1: those of pruned models are shorter). Models of 2016, which fastText itself no longer reads, are compared with
gensim's reading.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy

try:
    import fasttext
    from gensim.models import KeyedVectors
    from gensim.models.fasttext import load_facebook_vectors
except ImportError:
    pass

MAGIC = (793712314).to_bytes(4, "little")


def graft(arguments, lines):
    text = "".join(line + "\n" for line in lines).encode()
    return subprocess.run(arguments, input=text, capture_output=True).stdout


def compare(name, program, file, words, expected):
    output = graft([program, "vectors", "embed", file, "--split-at-blanks", "--format", "npy"], words)
    header = 10 + int.from_bytes(output[8:10], "little")
    found = numpy.frombuffer(output[header:], dtype="<f4").reshape(len(words), -1)
    expected = numpy.array(expected, dtype=numpy.float32)
    scale = numpy.maximum(1, numpy.linalg.norm(expected, axis=1, keepdims=True))
    difference = float((abs(found - expected) / scale).max()) if len(words) else 0
    print(json.dumps({"file": file, "what": name, "words": len(words), "largestDifference": difference}))
    return difference < 1e-6


def converted(program, file, words, expected, unknown=(), expected_unknown=()):
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "converted.bin")
        subprocess.run([program, "vectors", "convert", file, target, "--to", "fasttext"], check=True)
        model = fasttext.load_model(target)
    largest = 0.0
    for word, vector in zip(words, expected):
        difference = abs(model.get_word_vector(word) - vector).max() / max(1, numpy.linalg.norm(vector))
        largest = max(largest, float(difference))
    for word, vector in zip(unknown, expected_unknown):
        found, length = model.get_word_vector(word), numpy.linalg.norm(vector)
        difference = found / numpy.linalg.norm(found) - vector / length if length > 0 else found
        largest = max(largest, float(abs(difference).max()))
    print(json.dumps({"file": file, "what": "converted for fastText", "words": len(words) + len(unknown),
                      "largestDifference": largest}))
    return largest < 1e-6


def neighbors(program, file, keyed):
    words = [word for word in keyed.index_to_key[:300] if not word.startswith("</")][:50]
    passed, largest = True, 0.0
    for command, lines, theirs in [
        ("near", words, [keyed.most_similar(word, topn=10) for word in words]),
        ("analogy", [" ".join(words[i:i + 3]) for i in range(20)],
         [keyed.most_similar(positive=[words[i + 1], words[i + 2]], negative=[words[i]], topn=10) for i in range(20)]),
    ]:
        output = graft([program, "vectors", command, file], lines).decode().strip().split("\n")
        for line, expected in zip(output, theirs):
            found = json.loads(line)["neighbors"]
            for (ours, (word, score)) in zip(found, expected):
                largest = max(largest, abs(ours["score"] - score))
                # Equal to rounding: either may come first.
                passed &= ours["word"] == word or abs(ours["score"] - score) < 1e-6
    print(json.dumps({"file": file, "what": "neighbours and analogies", "largestDifference": largest}))
    return passed and largest < 2e-6


def pipeline(program, folder):
    from spacy.vocab import Vocab

    vectors = Vocab().from_disk(os.path.join(folder, "vocab")).vectors
    keys = {vectors.strings[key]: key for key in vectors.key2row}
    words, passed = usable(keys), True
    for start in range(0, len(words), 50_000):
        part = words[start:start + 50_000]
        passed &= compare("words", program, folder, part, [vectors[word] for word in part])
    frequent = words[:50]
    _, rows, scores = vectors.most_similar(numpy.array([vectors[word] for word in frequent]), n=11)
    output = graft([program, "vectors", "near", folder], frequent).decode().strip().split("\n")
    largest = 0.0
    for line, expected in zip(output, zip(rows, scores)):
        for found, row, score in zip(json.loads(line)["neighbors"], expected[0][1:], expected[1][1:]):
            # spaCy rounds to four digits; a score that another word has too is no other result.
            largest = max(largest, abs(found["score"] - float(score)))
            passed &= vectors.key2row[keys[found["word"]]] == row or abs(found["score"] - float(score)) < 1e-4
    print(json.dumps({"file": folder, "what": "neighbours", "largestDifference": largest}))
    return passed and largest < 1e-4


def usable(words):
    return [word for word in words if word and len(word.split()) == 1 and word.split()[0] == word and "\n" not in word]


def main():
    program, passed = sys.argv[1], True
    for file in sys.argv[2:]:
        if os.path.isdir(file):
            passed &= pipeline(program, file)
            continue
        with open(file, "rb") as source:
            head = source.read(16)
        if head.startswith(MAGIC):
            model = fasttext.load_model(file)
            words = usable(model.get_words(on_unicode_error="replace"))
            words = [word for word in words if model.get_word_id(word) >= 0]
            unknown = [word for word in usable([a + b for a, b in zip(words[:500], words[1:501])] +
                                               ["Zürich", "東京都", "👩‍💻", "x"]) if model.get_word_id(word) < 0]
            vectors, others = [[model.get_word_vector(word) for word in part] for part in (words, unknown)]
            passed &= compare("words", program, file, words, vectors)
            passed &= compare("unknown words", program, file, unknown, others)
            passed &= converted(program, file, words, vectors, unknown, others)
        elif head[:1].isdigit():
            keyed = KeyedVectors.load_word2vec_format(file, binary=b"\0" in open(file, "rb").read(4096))
            words = usable(keyed.index_to_key)
            passed &= compare("words", program, file, words, [keyed[word] for word in words])
            passed &= converted(program, file, words, [keyed[word] for word in words])
            passed &= neighbors(program, file, keyed)
        else:
            keyed = load_facebook_vectors(file)
            words = usable(keyed.index_to_key)
            unknown = [word for word in usable([a + b for a, b in zip(words[:500], words[1:501])]) if word not in keyed.key_to_index]
            passed &= compare("words", program, file, words, [keyed[word] for word in words])
            passed &= compare("unknown words", program, file, unknown, [keyed[word] for word in unknown])
            passed &= neighbors(program, file, keyed)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
