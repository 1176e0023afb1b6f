"""Reads the reference tokenizer's own idea of Unicode, code point by code point, and writes it as Swift tables.

Hugging Face tokenizers freezes several Unicode versions inside itself (its category crate is older than Unicode 9, its
regular expressions and the standard library's case tables are younger than this system's ICU). Asking it about every
code point is the only exact source.

usage: python frozen_tables.py OUTPUT.swift     (measured with tokenizers 0.23.3)
"""
import sys
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

SURROGATES = range(0xD800, 0xE000)


def ranges(test):
    out, start = [], None
    for code in range(0x110000):
        hit = code not in SURROGATES and test(chr(code))
        if hit and start is None:
            start = code
        if not hit and start is not None:
            out.append((start, code - 1))
            start = None
    if start is not None:
        out.append((start, 0x10FFFF))
    return out


def dropped(normalizer):
    return lambda c: normalizer.normalize_str("a" + c + "a") == "aa"


def isolated(splitter, around):
    return lambda c: len(splitter.pre_tokenize_str(around + c + around)) == 3


def bert(**on):
    flags = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**flags, **on})


def pattern(text):
    return isolated(pre_tokenizers.Split(Regex(text), "isolated"), "!")


whitespace = pre_tokenizers.Whitespace()
properties = {
    "control": ("removed by BertNormalizer's clean_text", dropped(bert(clean_text=True))),
    "nonspacingMark": ("removed by BertNormalizer's strip_accents", dropped(bert(strip_accents=True))),
    "combiningMark": ("removed by StripAccents", dropped(normalizers.StripAccents())),
    "punctuation": ("a delimiter of the BERT and Punctuation pre-tokenizers",
                    isolated(pre_tokenizers.Punctuation("isolated"), "a")),
    "numeric": ("a delimiter of the Digits pre-tokenizer", isolated(pre_tokenizers.Digits(True), "a")),
    "word": (r"`\w` of the Whitespace pre-tokenizer", lambda c: len(whitespace.pre_tokenize_str("a" + c + "a")) == 1),
    "patternLetter": (r"`\p{L}` in a Split pattern", pattern(r"\p{L}")),
    "patternNumber": (r"`\p{N}` in a Split pattern", pattern(r"\p{N}")),
    "patternSpace": (r"`\s` in a Split pattern", pattern(r"\s")),
}
lower = normalizers.Lowercase()

with open(sys.argv[1], "w") as f:
    f.write("// Written by Tests/TokenizersTests/Golden/frozen_tables.py from tokenizers %s. Do not edit.\n\n"
            % tokenizers.__version__)
    f.write("/// The reference's own view of Unicode where it differs from this system's: pairs of first and last code point.\n")
    f.write("enum FrozenTables {\n")
    for name, (what, test) in properties.items():
        rows = ranges(test)
        print(name, len(rows), sum(b - a + 1 for a, b in rows), file=sys.stderr, flush=True)
        f.write("    /// What is %s.\n    static let %s: [UInt32] = [\n" % (what, name))
        line = "       "
        for a, b in rows:
            item = " 0x%X, 0x%X," % (a, b)
            if len(line) + len(item) > 118:
                f.write(line + "\n")
                line = "       "
            line += item
        f.write(line + "\n    ]\n\n")
    rows = []
    for code in range(0x110000):
        if code in SURROGATES:
            continue
        to = lower.normalize_str(chr(code))
        if to != chr(code):
            if len(to) > 1:
                print("lowercase of several code points", hex(code), [hex(ord(x)) for x in to], file=sys.stderr)
            else:
                rows.append((code, ord(to) - code))
    runs = []   # first, last, step, delta
    for code, delta in rows:
        if runs and runs[-1][3] == delta and code - runs[-1][1] in (1, 2) and \
                (runs[-1][0] == runs[-1][1] or code - runs[-1][1] == runs[-1][2]):
            runs[-1][2] = code - runs[-1][1]
            runs[-1][1] = code
        else:
            runs.append([code, code, 1, delta])
    print("lowercase", len(rows), len(runs), file=sys.stderr)
    f.write("    /// Simple lowercase mappings: runs of first, last, step and the distance to the lowercase letter.\n")
    f.write("    static let lowercase: [Int32] = [\n")
    line = "       "
    for a, b, step, delta in runs:
        item = " 0x%X, 0x%X, %d, %d," % (a, b, step, delta)
        if len(line) + len(item) > 118:
            f.write(line + "\n")
            line = "       "
        line += item
    f.write(line + "\n    ]\n\n")

    # Scripts: classes that UnicodeScripts keeps apart, found by putting two code points side by side.
    scripts = pre_tokenizers.UnicodeScripts()
    together = lambda a, b: len(scripts.pre_tokenize_str(a + b)) == 1
    representatives, rows, last = [], [], None
    for code in range(0x110000):
        if code in SURROGATES:
            continue
        c = chr(code)
        if not scripts.pre_tokenize_str(c):     # of any script
            continue
        if last is None or not together(representatives[last], c):
            last = next((i for i, r in enumerate(representatives) if together(r, c)), None)
            if last is None:
                representatives.append(c)
                last = len(representatives) - 1
        if rows and rows[-1][1] == code - 1 and rows[-1][2] == last:
            rows[-1][1] = code
        else:
            rows.append([code, code, last])
    print("scripts", len(representatives), len(rows), file=sys.stderr)
    f.write("    /// What UnicodeScripts keeps together: runs of first, last and a number for the script.\n")
    f.write("    static let scripts: [UInt32] = [\n")
    line = "       "
    for a, b, number in rows:
        item = " 0x%X, 0x%X, %d," % (a, b, number)
        if len(line) + len(item) > 118:
            f.write(line + "\n")
            line = "       "
        line += item
    f.write(line + "\n    ]\n}\n")
