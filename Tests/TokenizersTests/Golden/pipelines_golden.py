"""Records what Hugging Face tokenizers makes of our texts with small pipelines of every kind, trained here.

usage: python pipelines_golden.py      (in this directory; measured with tokenizers 0.23.3, sentencepiece 0.2.3)

Writes NAME_tokenizer.json and NAME.jsonl: encodings, the normalized text, the words and the decoded ids.
"""
import io
import json
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)

from texts import CORPUS, PAIRS, TEXTS


def record(name, t, extra=()):
    t.save(name + "_tokenizer.json", pretty=False)
    with open(name + ".jsonl", "w", encoding="utf-8") as f:
        for text, pair in [(x, None) for x in list(TEXTS) + list(extra)] + PAIRS:
            e = t.encode(text, pair) if pair is not None else t.encode(text)
            line = {"text": text, "ids": e.ids, "offsets": e.offsets, "word_ids": e.word_ids, "type_ids": e.type_ids,
                    "tokens": e.tokens, "special": e.special_tokens_mask, "decoded": t.decode(e.ids),
                    "decoded_all": t.decode(e.ids, skip_special_tokens=False)}
            if pair is not None:
                line["pair"] = pair
            f.write(json.dumps(line, ensure_ascii=False) + "\n")


def train(t, trainer):
    t.train_from_iterator(CORPUS, trainer)


special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
t = Tokenizer(models.BPE())
t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
train(t, trainers.BpeTrainer(vocab_size=420, special_tokens=special, show_progress=False,
                             initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
t.decoder = decoders.ByteLevel()
t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
record("bytelevel", t, ["a <mask> b<mask>", " leading", "trailing  ", "'s 're 'LL it's"])

t = Tokenizer(models.BPE())
t.normalizer = normalizers.NFC()
t.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.Split(Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
                         "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
train(t, trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>"], show_progress=False,
                             initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing(
    single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 0)])])
t.decoder = decoders.ByteLevel()
record("split", t)

buffer = io.BytesIO()
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(CORPUS), model_writer=buffer, vocab_size=180, hard_vocab_limit=False, minloglevel=2)
open("unigram.model", "wb").write(buffer.getvalue())
proto = pb.ModelProto()
proto.ParseFromString(buffer.getvalue())
vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [(p.piece, p.score) for p in proto.pieces][3:] + [("<mask>", 0.0)]
t = Tokenizer(models.Unigram(vocab, unk_id=3))
t.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
t.decoder = decoders.Metaspace()
t.post_processor = processors.TemplateProcessing(
    single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
t.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)])
record("unigram", t, ["a \u2581b\u2581 c", " x  y <mask> z"])
sp = sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())
with open("sentencepiece.jsonl", "w", encoding="utf-8") as f:
    for text in TEXTS:
        if "\x00" not in text:
            f.write(json.dumps({"text": text, "ids": sp.encode(text), "decoded": sp.decode(sp.encode(text))},
                               ensure_ascii=False) + "\n")

t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
train(t, trainers.BpeTrainer(vocab_size=500, special_tokens=["<unk>", "<s>"] + ["<0x%02X>" % b for b in range(0xF0)],
                             show_progress=False))
t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                               decoders.Strip(" ", 1, 0)])
t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)])
d = json.loads(t.to_str())
d["added_tokens"] = [x for x in d["added_tokens"] if not x["content"].startswith("<0x")]
record("fallback", Tokenizer.from_str(json.dumps(d)))

t = Tokenizer(models.BPE(unk_token="[UNK]", end_of_word_suffix="</w>", continuing_subword_prefix="@@"))
t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Nmt(),
                                     normalizers.Strip(), normalizers.Replace(Regex("[aeiou]{2}"), "œ")])
t.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.UnicodeScripts(), pre_tokenizers.CharDelimiterSplit("-"), pre_tokenizers.Punctuation("merged_with_next"),
    pre_tokenizers.Digits(True), pre_tokenizers.Whitespace(), pre_tokenizers.FixedLength(6)])
train(t, trainers.BpeTrainer(vocab_size=260, special_tokens=["[UNK]"], show_progress=False, end_of_word_suffix="</w>",
                             continuing_subword_prefix="@@"))
t.decoder = decoders.BPEDecoder("</w>")
record("suffix", t)

t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["[UNK]"] + sorted(set(" ".join(CORPUS).split())))}, unk_token="[UNK]"))
t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(False),
                                           pre_tokenizers.WhitespaceSplit()])
t.decoder = decoders.CTC("[UNK]", "|")
t.add_tokens([AddedToken("cold", single_word=True), AddedToken("YOUNG Pear", lstrip=True, rstrip=True), "Ä",
              AddedToken("graft", single_word=True, normalized=False)])
record("wordlevel", t, ["a  Young pear  is coldish, cold.", "grafts graft"])
