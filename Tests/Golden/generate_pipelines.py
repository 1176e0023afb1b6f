"""Writes the pipelines/NAME models, and what the pipelines of transformers and sentence-transformers make of some texts.

usage: generate_pipelines.py        (from anywhere; writes beside itself)

Every directory holds one tiny random model with its tokenizer: WordPiece over the letters and a few words, or byte-level
BPE trained on the texts. expected.json holds the results of the token classification pipeline for every
aggregation_strategy, of the fill-mask pipeline, or of CrossEncoder.predict.
"""

import json
import shutil
import string

import golden
import sentence_transformers
import tokenizers
import torch
import transformers
from generate_families import randomize
from generate_heads import TAGS
from transformers import pipeline

TEXTS = [
    "The film was good, the plot was not!",
    "  two  blanks and a tab\there  ",
    "warmly said: it's colder than Élodie thought",
    "日本 the 😀film",
    "a",
    "unfilmable-plots? verygood",
]
PAIRS = [["the film was good", "a warm plot"], ["cold", "not very fine, not bad"], ["the film was good", "dull"]]
STRATEGIES = ["none", "simple", "first", "average", "max"]
SIZES = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24)


def word_pieces():
    words = "the film good bad fine dull was plot warm cold not very".split()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase,
                  *("##" + letter for letter in string.ascii_lowercase), *words, *".,!?':-"]
    tokenizer = transformers.BertTokenizer(
        vocab={token: i for i, token in enumerate(vocabulary)}, model_max_length=64)
    assert len(tokenizer) == len(vocabulary)
    config = dict(SIZES, vocab_size=len(vocabulary), max_position_embeddings=64)
    return tokenizer, config


def byte_pairs():
    model = tokenizers.ByteLevelBPETokenizer()
    model.train_from_iterator(TEXTS * 2, vocab_size=300, min_frequency=2, show_progress=False,
                              special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    parts = json.loads(model.to_str())["model"]
    tokenizer = transformers.RobertaTokenizer(
        vocab=parts["vocab"], merges=[tuple(pair) for pair in parts["merges"]], model_max_length=64)
    assert len(tokenizer) == len(parts["vocab"])
    config = dict(SIZES, vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=1)
    return tokenizer, config


def make(name, class_name, seed, **options):
    """The model and its tokenizer, written and read again."""
    directory = golden.HERE / "pipelines" / name
    shutil.rmtree(directory, ignore_errors=True)
    tokenizer, values = (byte_pairs if class_name.startswith("Roberta") else word_pieces)()
    model_class = getattr(transformers, class_name)
    model = randomize(model_class(model_class.config_class(**values, **options)), seed)
    golden.save_checkpoint(model, directory)
    tokenizer.save_pretrained(directory)
    for file in directory.iterdir():
        file.chmod(0o644)
    return directory, model, transformers.AutoTokenizer.from_pretrained(directory)


def write(directory, **values):
    golden.write_json(directory / "expected.json", {
        "generator": "generate_pipelines.py", "versions": golden.versions(tokenizers, sentence_transformers), **values})
    print(directory.name, sum(file.stat().st_size for file in directory.iterdir()) // 1024, "kB")


def tag(name, class_name, seed):
    labels = dict(id2label=dict(enumerate(TAGS)), label2id={label: i for i, label in enumerate(TAGS)})
    directory, model, tokenizer = make(name, class_name, seed, **labels)
    results = {}
    for strategy in STRATEGIES:
        run = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy=strategy)
        results[strategy] = [
            [{"label": entity["entity" if strategy == "none" else "entity_group"], "score": float(entity["score"]),
              "start": entity["start"], "end": entity["end"]} for entity in run(text)]
            for text in TEXTS]
    write(directory, texts=TEXTS, **results)


def fill(name, class_name, seed):
    directory, model, tokenizer = make(name, class_name, seed)
    mask = tokenizer.mask_token
    texts = [f"the film was {mask}.", f"{mask} plot", f"not {mask}, but {mask} {mask}!"]
    run = pipeline("fill-mask", model=model, tokenizer=tokenizer, top_k=7)
    results = []
    for text in texts:
        places = run(text)
        places = places if isinstance(places[0], list) else [places]
        results.append([[{"id": found["token"], "score": found["score"], "token": found["token_str"]}
                         for found in place] for place in places])
    write(directory, texts=texts, masks=results)


def cross_encoder(name, seed, labels, activation=None):
    directory, _, _ = make(name, "BertForSequenceClassification", seed, num_labels=labels)
    options = {} if activation is None else {"activation_fn": activation}
    encoder = sentence_transformers.CrossEncoder(str(directory), device="cpu", **options)
    encoder.save_pretrained(str(directory))
    for file in directory.iterdir():
        if file.name == "README.md":
            file.unlink()
        elif file.is_file():
            file.chmod(0o644)
    encoder = sentence_transformers.CrossEncoder(str(directory), device="cpu")
    scores = encoder.predict(PAIRS)
    if labels > 1:
        scores = encoder.predict(PAIRS, apply_softmax=True)
    write(directory, pairs=PAIRS, scores=scores.tolist())


def main():
    tag("tag-bert", "BertForTokenClassification", 1)
    tag("tag-roberta", "RobertaForTokenClassification", 2)
    fill("fill-bert", "BertForMaskedLM", 3)
    fill("fill-roberta", "RobertaForMaskedLM", 4)
    cross_encoder("cross-encoder", 5, 1)
    cross_encoder("cross-encoder-identity", 6, 1, torch.nn.Identity())
    cross_encoder("cross-encoder-labels", 7, 3)


if __name__ == "__main__":
    main()
