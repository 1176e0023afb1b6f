"""Writes Tests/Golden/word-classifiers: tiny fastText classifiers with the losses that word-vectors' models do not have, and
what fastText says of texts with all of them.

usage: generate_word_classifiers.py

fastText's training is not reproducible between its builds: running this again gives other models with other expected
values. Versions used: fasttext-wheel 0.9.2, NumPy 2.4.6.
"""

import json
import os
import random
import tempfile

import fasttext

GOLDEN = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(GOLDEN, "word-classifiers")
TEXTS = ["king sees apples", "unknownword follows the 東京", "", "a", "  dog   likes\tsongs ", "red blue", "houses __label__x dog"]
TOPICS = {"animals": "dog cat cow hen", "colours": "red blue green", "places": "東京 Oslo Zürich",
          "verbs": "sees likes hears", "things": "apples songs houses"}


def corpus(path, labels):
    source = random.Random(2)
    names = list(TOPICS)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(600):
            chosen = [source.choices(names, weights=[16, 8, 4, 2, 1])[0] for _ in range(labels)]
            words = [source.choice(TOPICS[name].split()) for name in chosen for _ in range(2)]
            file.write(" ".join(f"__label__{name}" for name in chosen) + f" {' '.join(words)}\n")


def main():
    os.makedirs(OUTPUT, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        text = os.path.join(directory, "corpus.txt")
        for name, loss, labels in [("hierarchical", "hs", 1), ("one-versus-all", "ova", 2)]:
            corpus(text, labels)
            model = fasttext.train_supervised(text, dim=6, bucket=50, epoch=20, lr=0.5, wordNgrams=2, loss=loss, thread=1,
                                              verbose=0)
            model.save_model(os.path.join(OUTPUT, f"{name}.bin"))
    expected = {"texts": TEXTS, "models": {}}
    for name in ["word-classifiers/hierarchical.bin", "word-classifiers/one-versus-all.bin", "word-vectors/supervised.bin",
                 "word-vectors/pruned.ftz", "word-vectors/quantized.ftz"]:
        model = fasttext.load_model(os.path.join(GOLDEN, name))
        answers = []
        for text in TEXTS:
            # What predict does before it makes an array, in a way that NumPy 2 refuses.
            answers.append({label.removeprefix("__label__"): p for p, label in model.f.predict(text + "\n", -1, 0.0, "strict")})
        expected["models"][name] = answers
    with open(os.path.join(OUTPUT, "expected.json"), "w", encoding="utf-8") as file:
        json.dump(expected, file, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
