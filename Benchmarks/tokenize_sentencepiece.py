"""Records what libsentencepiece, and transformers' families of encoders, make of texts with SentencePiece models.

usage: python tokenize_sentencepiece.py SHARED_DATA OUTPUT_DIRECTORY    (sentencepiece 0.2.3, transformers 5.23)

Writes NAME/NAME.model and NAME/random.jsonl and so on for bare models, and directories FAMILY/ with nothing but a
model and its configuration, and FAMILY-golden/ with what transformers makes of the same texts. For DeBERTa and for a
model with byte fallback (as mT5 has it) the ids are the library's, with the family's special tokens around them:
transformers' conversion leaves out the charsmap of the one and the bytes of both. DEBERTA_SPM_MODEL in the environment
names a real DeBERTa-v3's spm.model, to be used instead of one trained here.
"""
import gzip
import json
import os
import random
import shutil
import sys
import sentencepiece

data, output = sys.argv[1:3]
folder = os.path.join(data, "tokenizers/sentencepiece")
sys.argv = ["x", "y", "z"]
source = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenize_golden.py"), encoding="utf-8").read()
names = {"random": random, "SPECIAL": ["<s>", "</s>", "<mask>", "<unk>", "<pad>"], "ALL": [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]}
exec(source[source.index("BLOCKS = "):source.index("r = random.Random")], names)
r = random.Random(7)
texts = [names["random_text"](r).replace("\x00", "") for _ in range(20000)]
lines = [l.rstrip("\n").split("\t", 1)[-1] for l in open(os.path.join(data, "tokenizers/udhr_multilingual.tsv"), encoding="utf-8")]
lines += [l.split("\t")[0] for l in open(os.path.join(data, "sst2/dev.tsv"), encoding="utf-8")]


def model(name):
    path = os.path.join(folder, name)
    return gzip.open(path).read() if name.endswith("gz") else open(path, "rb").read()


for name in sorted(os.listdir(folder)):
    if ".model" not in name:
        continue
    short = name.split(".model")[0]
    os.makedirs(os.path.join(output, short), exist_ok=True)
    path = os.path.join(output, short, short + ".model")
    open(path, "wb").write(model(name))
    sp = sentencepiece.SentencePieceProcessor(model_file=path)
    for kind, items in (("random", texts), ("lines", lines)):
        with open(os.path.join(output, short, kind + ".jsonl"), "w", encoding="utf-8") as f:
            for text in items:
                p = sp.encode(text, return_type="proto")
                utf8 = text.encode()
                place, scalar = {}, -1      # offsets are bytes here
                for i, byte in enumerate(utf8):
                    scalar += byte & 0xC0 != 0x80
                    place[i] = scalar
                place[len(utf8)] = len(text)
                f.write(json.dumps({"text": text, "add_special_tokens": False, "ids": [x.id for x in p.pieces],
                                    "offsets": [[place[x.begin], place[x.end]] for x in p.pieces]},
                                   ensure_ascii=False) + "\n")
    print(short, flush=True)

from transformers import AutoTokenizer
FAMILIES = [("xlm_roberta", "XLMRobertaTokenizer", "xlm_roberta_unigram_250k.model.gz", "sentencepiece.bpe.model"),
            ("t5", "T5Tokenizer", "t5_base_unigram_32k.model", "spiece.model"),
            ("camembert", "CamembertTokenizer", "unigram_en_1k_botchan.model", "sentencepiece.bpe.model")]
def trained(pad, unk, bos, eos, mask=(), byte_fallback=False):
    import io
    out = io.BytesIO()
    names = dict(pad_piece=pad[0], pad_id=pad[1], unk_piece=unk[0], unk_id=unk[1], eos_piece=eos[0], eos_id=eos[1],
                 byte_fallback=byte_fallback)
    names |= dict(bos_piece=bos[0], bos_id=bos[1]) if bos else dict(bos_id=-1)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, vocab_size=8000, hard_vocab_limit=False, minloglevel=2,
        control_symbols=list(mask), **names)
    return out.getvalue()


# (family, class, model, file, further configuration, ids around the library's; none where transformers decides)
real = os.environ.get("DEBERTA_SPM_MODEL")
FAMILIES.append(("deberta", "DebertaV2Tokenizer", open(real, "rb").read() if real else trained(
    ("[PAD]", 0), ("[UNK]", 3), ("[CLS]", 1), ("[SEP]", 2), mask=["[MASK]"], byte_fallback=True), "spm.model",
    {}, ([1], [2])))
FAMILIES.append(("mt5", "T5Tokenizer", trained(
    ("<pad>", 0), ("<unk>", 2), None, ("</s>", 1), byte_fallback=True), "spiece.model", {"extra_ids": 0}, ([], [1])))
FAMILIES.append(("albert", "AlbertTokenizer",
                 trained(("<pad>", 0), ("<unk>", 1), ("[CLS]", 2), ("[SEP]", 3), mask=["[MASK]"]), "spiece.model"))
for family, cls, name, file, more, around in [f + ({}, None) if len(f) == 4 else f for f in FAMILIES]:
    path = os.path.join(output, family)
    os.makedirs(path, exist_ok=True)
    os.makedirs(path + "-golden", exist_ok=True)
    open(os.path.join(path, file), "wb").write(name if isinstance(name, bytes) else model(name))
    json.dump({"tokenizer_class": cls} | more, open(os.path.join(path, "tokenizer_config.json"), "w"))
    if around:
        sp = sentencepiece.SentencePieceProcessor(model_file=os.path.join(path, file))
        special = names["SPECIAL"] + ["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"]
        for kind, items in (("random", texts), ("lines", lines)):
            with open(os.path.join(path + "-golden", kind + ".jsonl"), "w", encoding="utf-8") as f:
                for text in items:
                    # Texts of special tokens, which the library does not look for, and U+0085 (see the docs) aside.
                    if any(x in text for x in special) or "\x85" in text:
                        continue
                    f.write(json.dumps({"text": text, "ids": around[0] + sp.encode(text) + around[1]},
                                       ensure_ascii=False) + "\n")
        print(family, flush=True)
        continue
    import transformers
    t = getattr(transformers, cls).from_pretrained(path)
    t.backend_tokenizer.save(os.path.join(path + "-golden", "tokenizer.json"))
    for kind, items in (("random", texts), ("lines", lines)):
        with open(os.path.join(path + "-golden", kind + ".jsonl"), "w", encoding="utf-8") as f:
            for text in items:
                e = t.backend_tokenizer.encode(text)
                f.write(json.dumps({"text": text, "ids": e.ids, "offsets": e.offsets, "word_ids": e.word_ids,
                                    "tokens": e.tokens}, ensure_ascii=False) + "\n")
    print(family, flush=True)
