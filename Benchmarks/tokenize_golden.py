"""Records what Hugging Face tokenizers makes of a large set of texts, for TokenizeBenchmark verify.

usage: python tokenize_golden.py TOKENIZER_JSON OUTPUT_DIRECTORY [SHARED_DATA] [RANDOM_TEXTS]

Writes scalars.jsonl (every code point alone), pairs.jsonl (random pairs of code points), random.jsonl (seeded random
texts of all kinds), normalization.jsonl (the lines of Unicode's NormalizationTest), lines.jsonl (real texts in many
languages) and texts.jsonl (pairs of texts). Nothing of it is committed. Measured with tokenizers 0.23.3.
"""
import csv
import glob
import gzip
import json
import os
import random
import sys
from tokenizers import Tokenizer

path, output = sys.argv[1:3]
data = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("GRAFT_SHARED_DATA", "../shared/data")
count = int(sys.argv[4]) if len(sys.argv) > 4 else 100_000
tokenizer = Tokenizer.from_file(path)
tokenizer.no_padding()
tokenizer.no_truncation()
os.makedirs(output, exist_ok=True)
ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
SPECIAL = [t.content for t in tokenizer.get_added_tokens_decoder().values()]


def record(name, texts):
    with open(os.path.join(output, name), "w", encoding="utf-8") as f:
        for start in range(0, len(texts), 5000):
            chunk = texts[start:start + 5000]
            for text, e in zip(chunk, tokenizer.encode_batch(chunk)):
                line = {"text": text if isinstance(text, str) else text[0]}
                if not isinstance(text, str):
                    line["pair"] = text[1]
                    line["type_ids"] = e.type_ids
                line.update(ids=e.ids, offsets=e.offsets, word_ids=e.word_ids)
                if start < 20000:
                    line["tokens"] = e.tokens
                f.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(name, len(texts), flush=True)


BLOCKS = [(0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700),
          (0x900, 0xE00), (0xE00, 0x1000), (0x1100, 0x1200), (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x2C00),
          (0x3000, 0x3100), (0x3100, 0x3400), (0x3400, 0xA000), (0xAC00, 0xD7B0), (0xD7B0, 0xD800), (0xE000, 0xE100),
          (0xF900, 0xFB00), (0xFB00, 0xFE00), (0xFE00, 0x10000), (0x10000, 0x12000), (0x16000, 0x19000),
          (0x1B000, 0x1C000), (0x1D000, 0x1F000), (0x1E800, 0x1E960), (0x1F000, 0x1FB00), (0x20000, 0x31000),
          (0xE0000, 0xE0200), (0x10FF00, 0x110000)]
EMOJI = ["\U0001F469\u200d\U0001F4BB", "\U0001F1E9\U0001F1EA", "\U0001F44D\U0001F3FD", "\u2764\ufe0f", "1\ufe0f\u20e3",
         "\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", "\U0001F937\U0001F3FE\u200d\u2642\ufe0f"]
SPACES = [" ", " ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\ufeff", "\x00", "\x7f", "\x85"]
EDGES = [0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF, 0xFDD0, 0x10FFFF, 0x1FFFE, 0x378, 0x2B820, 0x2B91F, 0x2B920, 0x1E944,
         0x130, 0x131, 0x3A3, 0x3C2, 0x1E9E, 0xDF, 0x344, 0x1D15E, 0x2126, 0x212B, 0xFB01, 0xFF76, 0xFF9E, 0x2581, 0x120]
WORDS = ("the movie was surprisingly uninspiring, although its cinematography isn't bad; we'd recommend "
         "antidisestablishmentarianism 3.14159 2024-11-05 http://example.org/a?b=c #hashtag @user :-) don't I'LL they've "
         "größte Übergröße naïve façade Zürich İstanbul ΑΛΦΑ ΣΊΣΥΦΟΣ москва привет שלום مرحبا العربية नमस्ते हिन्दी "
         "你好世界 こんにちは カタカナ ｶﾞ 한국어 안녕하세요 ภาษาไทย ລາວ မြန်မာ ខ្មែរ ქართული հայերեն ትግርኛ").split()


def random_text(r):
    out = []
    for _ in range(r.choice([1, 2, 3, 5, 8, 13, 21, 34])):
        kind = r.random()
        if kind < 0.3:
            w = r.choice(WORDS)
            out.append(r.choice([w, w, w.upper(), w.title(), w[:r.randint(1, len(w))]]))
        elif kind < 0.55:
            a, b = r.choice(BLOCKS)
            out.append("".join(chr(r.randrange(a, b)) for _ in range(r.randint(1, 8))))
        elif kind < 0.65:
            out.append("".join(chr(r.choice(ALL)) for _ in range(r.randint(1, 4))))
        elif kind < 0.72:
            out.append(r.choice(EMOJI) * r.randint(1, 2))
        elif kind < 0.80:
            out.append(r.choice("aeiouyAEIOUn") + "".join(chr(r.randrange(0x300, 0x370)) for _ in range(r.randint(1, 4))))
        elif kind < 0.86:
            out.append(chr(r.choice(EDGES)))
        elif kind < 0.90:
            out.append(r.choice(SPECIAL) if SPECIAL else "[MASK]")
        elif kind < 0.92:
            out.append(r.choice("abcxyzé中한") * r.choice([50, 99, 100, 101, 300]))
        else:
            out.append("".join(chr(r.randrange(0, 0x20)) for _ in range(r.randint(1, 3))))
        if r.random() < 0.6:
            out.append(r.choice(SPACES))
    return "".join(out)


r = random.Random(20240229)
record("random.jsonl", [random_text(r) for _ in range(count)])
record("scalars.jsonl", [chr(c) for c in ALL] if count >= 100_000 else [chr(c) for c in ALL[::37]])
record("pairs.jsonl", ["".join(map(chr, r.choices(ALL, k=2))) for _ in range(count)])
lines = []
for name in sorted(glob.glob(os.path.join(data, "tokenizers/udhr*.tsv"))):
    lines += [l.rstrip("\n").split("\t", 1)[-1] for l in open(name, encoding="utf-8")]
for name in ("sst2/dev.tsv", "sst2/test.tsv"):
    name = os.path.join(data, name)
    if os.path.exists(name):
        lines += [l.rstrip("\n") for l in open(name, encoding="utf-8")]
for name in sorted(glob.glob(os.path.join(data, "umsab*/*.tsv"))):
    lines += [l.rstrip("\n") for l in open(name, encoding="utf-8")][:3000]
record("lines.jsonl", lines)
record("texts.jsonl", [(random_text(r), random_text(r)) for _ in range(min(count, 5000))])
tests = []
for name in glob.glob(os.path.join(data, "unicode/NormalizationTest*.gz")):
    for row in list(csv.reader(gzip.open(name, "rt"), delimiter="\t"))[1:]:
        for column in row[1:]:
            text = "".join(chr(int(x, 16)) for x in column.split())
            tests += [text, "a" + text + "b"]
record("normalization.jsonl", tests)
