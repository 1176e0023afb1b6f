"""Records what Hugging Face tokenizers makes of our texts with a small WordPiece vocabulary, trained here.

usage: python bert_golden.py      (in this directory; measured with tokenizers 0.23.3)

Writes bert_tokenizer.json, bert_vocab.txt, bert.jsonl (encodings) and bert_truncation.jsonl (windows).
"""
import json
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from texts import CORPUS, PAIRS, TEXTS

tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer()
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False))
cls, sep = (("[CLS]", 2), ("[SEP]", 3))
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[cls, sep])
tokenizer.decoder = decoders.WordPiece()
tokenizer.save("bert_tokenizer.json", pretty=False)
with open("bert_vocab.txt", "w", encoding="utf-8") as f:
    for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda x: x[1]):
        f.write(token + "\n")


def record(e, **more):
    return {**more, "ids": e.ids, "offsets": e.offsets, "word_ids": e.word_ids, "type_ids": e.type_ids,
            "tokens": e.tokens, "special": e.special_tokens_mask}


with open("bert.jsonl", "w", encoding="utf-8") as f:
    for text in TEXTS:
        f.write(json.dumps(record(tokenizer.encode(text), text=text), ensure_ascii=False) + "\n")
        f.write(json.dumps(record(tokenizer.encode(text, add_special_tokens=False), text=text,
                                  add_special_tokens=False), ensure_ascii=False) + "\n")
    for a, b in PAIRS:
        f.write(json.dumps(record(tokenizer.encode(a, b), text=a, pair=b), ensure_ascii=False) + "\n")

with open("bert_truncation.jsonl", "w", encoding="utf-8") as f:
    for length in (5, 8, 13):
        for stride in (0, 1):
            for side in ("left", "right"):
                for strategy in ("longest_first", "only_first", "only_second"):
                    tokenizer.enable_truncation(length, stride=stride, direction=side, strategy=strategy)
                    inputs = [(a, b) for a, b in PAIRS]
                    if strategy != "only_second":
                        inputs += [(t, None) for t in TEXTS[:8]]
                    for a, b in inputs:
                        try:
                            e = tokenizer.encode(a, b) if b is not None else tokenizer.encode(a)
                        except BaseException:    # the reference refuses what it cannot shorten, and some strides
                            continue
                        f.write(json.dumps({
                            "text": a, "pair": b, "max_length": length, "stride": stride, "side": side,
                            "strategy": strategy, **record(e),
                            "overflowing": [record(o) for o in e.overflowing]}, ensure_ascii=False) + "\n")
