"""Builds tokenizer.json files from the real vocabularies of the shared data, as their publishers' files have them.

usage: python tokenize_fixtures.py SHARED_DATA OUTPUT_DIRECTORY     (measured with tokenizers 0.23.3)
"""
import gzip
import json
import os
import sys
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors)

data, output = sys.argv[1:3]
data = os.path.join(data, "tokenizers")
os.makedirs(output, exist_ok=True)


def save(name, tokenizer):
    tokenizer.save(os.path.join(output, name + ".json"), pretty=False)
    print(name)


for name, lower in (("bert_base_uncased", True), ("bert_base_cased", False), ("bert_base_chinese", True)):
    file = os.path.join(data, "wordpiece", name + "_vocab.txt")
    vocab = {line.rstrip("\n"): i for i, line in enumerate(open(file, encoding="utf-8"))}
    t = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
    t.decoder = decoders.WordPiece()
    t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    save(name, t)

folder = os.path.join(data, "bytelevel_bpe")
t = Tokenizer(models.BPE.from_file(os.path.join(folder, "roberta_base_vocab.json"),
                                   os.path.join(folder, "roberta_base_merges.txt")))
t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
t.decoder = decoders.ByteLevel()
t.add_special_tokens([AddedToken(x, normalized=True, special=True) for x in ("<s>", "<pad>", "</s>", "<unk>")]
                     + [AddedToken("<mask>", lstrip=True, normalized=False, special=True)])
save("roberta_base", t)

# The way of newer byte-level models: a pattern of their own, NFC, byte fallback of none.
t2 = Tokenizer(t.model)
t2.normalizer = normalizers.NFC()
t2.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.Split(Regex(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
        "isolated"),
    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
t2.post_processor = processors.Sequence([
    processors.ByteLevel(trim_offsets=False),
    processors.TemplateProcessing(single="<s> $A", pair="<s> $A </s> $B:1", special_tokens=[("<s>", 0), ("</s>", 2)])])
t2.decoder = decoders.ByteLevel()
t2.add_special_tokens(["<s>", "</s>"])
save("byte_level_split", t2)


def model(name):
    file = os.path.join(data, "sentencepiece", name)
    proto = pb.ModelProto()
    proto.ParseFromString(gzip.open(file).read() if file.endswith("gz") else open(file, "rb").read())
    return proto


def unigram(name, proto, vocab, unk, single, pair, special, normalizer=None):
    t = Tokenizer(models.Unigram(vocab, unk_id=unk, byte_fallback=proto.trainer_spec.byte_fallback))
    charsmap = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    t.normalizer = normalizers.Sequence(normalizer + [charsmap]) if normalizer else charsmap
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    t.decoder = decoders.Metaspace()
    ids = {p: i for i, (p, _) in enumerate(vocab)}
    t.post_processor = processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(x, ids[x]) for x in special if x in single.split() + pair.split()])
    t.add_special_tokens([AddedToken(x, lstrip=x in ("<mask>", "[MASK]"), special=True) for x in special])
    save(name, t)
    return t


proto = model("xlm_roberta_unigram_250k.model.gz")
pieces = [(p.piece, p.score) for p in proto.pieces]
vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + pieces[3:] + [("<mask>", 0.0)]
unigram("xlm_roberta", proto, vocab, 3, "<s> $A </s>", "<s> $A </s> </s> $B </s>", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
proto = model("t5_base_unigram_32k.model")
pieces = [(p.piece, p.score) for p in proto.pieces]
unigram("t5_base", proto, pieces, 2, "$A </s>", "$A </s> $B </s>", ["<pad>", "</s>", "<unk>"])
t = unigram("albert_like", proto, pieces, 2, "</s> $A </s>", "</s> $A </s> $B:1 </s>:1", ["<pad>", "</s>", "<unk>"], [
    normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
    normalizers.Lowercase()])
t.normalizer = normalizers.Sequence([t.normalizer, normalizers.Replace(Regex(" {2,}"), " ")])
t.pre_tokenizer = pre_tokenizers.Metaspace()
save("albert_like", t)
t.pre_tokenizer = pre_tokenizers.Metaspace(split=False, prepend_scheme="first")
t.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip()])
save("unsplit_unigram", t)

# BPE the way SentencePiece trains it, with byte fallback and fused unknowns.
proto = model("bpemb_en_wiki_bpe_10k.model")
vocab = {p.piece: i for i, p in enumerate(proto.pieces)}
merges = []
for piece, _ in sorted(vocab.items(), key=lambda x: x[1]):
    candidates = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
    merges += [(vocab[piece], a, b) for a, b in sorted(candidates, key=lambda x: (vocab[x[0]], vocab[x[1]]))]
merges = [(a, b) for _, a, b in sorted(merges, key=lambda x: x[0])]
for b in range(0xC0, 0x100):
    vocab["<0x%02X>" % b] = len(vocab)
for b in range(0x80, 0xC0):
    vocab["<0x%02X>" % b] = len(vocab)
t = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                               decoders.Strip(" ", 1, 0)])
t.post_processor = processors.TemplateProcessing(
    single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", vocab["<s>"])])
t.add_special_tokens(["<s>", "</s>", "<unk>"])
save("llama_like", t)
t.model = models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=False, byte_fallback=False, end_of_word_suffix="")
t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()])
t.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.UnicodeScripts(), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Digits(True),
    pre_tokenizers.Metaspace(prepend_scheme="never")])
save("scripts_bpe", t)
t.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.CharDelimiterSplit("-"), pre_tokenizers.Digits(False), pre_tokenizers.Punctuation("contiguous"),
    pre_tokenizers.Whitespace(), pre_tokenizers.FixedLength(7)])
t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.NFC(), normalizers.Replace(Regex("[aeiou]{2}"), "é1")])
save("odd_bpe", t)
t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["[UNK]", "the", "movie", "a", ".", ",", "é", "中", "is"])}, unk_token="[UNK]"))
t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
t.pre_tokenizer = pre_tokenizers.Whitespace()
t.add_tokens([AddedToken("cold", single_word=True), AddedToken("MOVIE Night", lstrip=True, rstrip=True), "ünder"])
save("word_level", t)
