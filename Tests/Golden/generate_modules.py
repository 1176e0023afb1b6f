"""Writes modules/: tiny models of sentence-transformers and Model2Vec, each with the vectors that its library computes.

usage: generate_modules.py        (from anywhere; writes beside itself)

Every directory is what the library's own save writes, with expected.json: for every prompt, the vectors of the texts, each
encoded alone, without padding. A prompt is named where the model names it.
"""

import os
import shutil
from pathlib import Path

import golden
import model2vec
import numpy
import sentence_transformers
import torch
from model2vec import StaticModel
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules
from sentence_transformers.base import modules as base
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

DIRECTORY = golden.HERE / "modules"
TEXTS = ["the film was good", "A WARM plot, not dull!", "", "bad", "xylophone 7 the zz",
         "the plot was not very good, the film was very cold. " * 3]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = "the film good bad fine dull was plot warm cold not very query passage".split() + list(".,!?':")
LETTERS = list("abcdefghijklmnopqrstuvw")


def tokenizer():
    vocabulary = SPECIAL + WORDS + LETTERS + ["##" + letter for letter in LETTERS]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def transformer(directory, **settings):
    torch.manual_seed(7)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(), pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]")
    model = BertModel(BertConfig(
        vocab_size=fast.vocab_size, hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64), add_pooling_layer=False)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(directory)
    fast.save_pretrained(directory)
    return base.Transformer(str(directory), **settings)


def randomized(module):
    torch.manual_seed(9)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    return module


ALL_MODES = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]


def sentence_models(directory):
    prompts = {"query": "query: the ", "passage": "passage: ", "none": ""}
    yield "modes", SentenceTransformer(modules=[
        transformer(directory, max_seq_length=24, do_lower_case=True), modules.Pooling(12, ALL_MODES),
        randomized(base.Dense(72, 10)), randomized(modules.LayerNorm(10)), base.Normalize(),
    ], prompts=prompts, default_prompt_name="passage", similarity_fn_name="dot")
    yield "without-prompt", SentenceTransformer(modules=[
        transformer(directory), modules.Pooling(12, ["weightedmean", "mean", "max"], include_prompt=False),
        randomized(base.Dense(36, 36, activation_function=torch.nn.GELU(), use_residual=True)),
        randomized(base.Dense(36, 9, bias=False, activation_function=torch.nn.Identity())),
    ], prompts=prompts)
    torch.manual_seed(5)
    static = modules.StaticEmbedding(tokenizer(), embedding_dim=8)
    yield "static", SentenceTransformer(modules=[static, base.Normalize()], prompts=prompts)


def write_older_form(directory):
    """The settings as releases before 5 wrote them."""
    golden.write_json(directory / "sentence_bert_config.json", {"max_seq_length": 20, "do_lower_case": True})
    chosen = ("max_tokens", "mean_tokens", "weightedmean_tokens")
    keys = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    golden.write_json(directory / "1_Pooling" / "config.json", {
        "word_embedding_dimension": 12, **{f"pooling_mode_{key}": key in chosen for key in keys},
        "include_prompt": False})


def static_models():
    random = numpy.random.default_rng(3)
    size = tokenizer().get_vocab_size()
    table = random.standard_normal((size, 8))
    yield "model2vec", StaticModel(table.astype("float32"), tokenizer(), normalize=True)
    weights = random.random(size).astype("float32")
    yield "model2vec-mapped", StaticModel(
        table[:30].astype("float16"), tokenizer(), normalize=False, weights=weights,
        token_mapping=random.integers(0, 30, size))


def main():
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    source = DIRECTORY / "source"
    source.mkdir(parents=True)
    versions = golden.versions(sentence_transformers, model2vec)
    for name, model in sentence_models(source):
        model.save(str(DIRECTORY / name), create_model_card=False)
        if name == "without-prompt":
            write_older_form(DIRECTORY / name)
        model = SentenceTransformer(str(DIRECTORY / name), device="cpu")
        vectors = {
            prompt: [model.encode(text, prompt_name=prompt).tolist() for text in TEXTS]
            for prompt in model.prompts if prompt in ("query", "passage", "none")
        }
        # Without a choice: the default.
        vectors["default"] = [model.encode(text).tolist() for text in TEXTS]
        write(name, versions, vectors)
    for name, model in static_models():
        model.save_pretrained(str(DIRECTORY / name))
        model = StaticModel.from_pretrained(str(DIRECTORY / name))
        write(name, versions, {"default": [model.encode(text).astype("float32").tolist() for text in TEXTS]})
    shutil.rmtree(source)


def write(name, versions, vectors):
    for file in (DIRECTORY / name).rglob("*"):
        if file.name in ("README.md", "modelcard.md"):
            file.unlink()
        elif file.is_file():
            os.chmod(file, 0o644)
    golden.write_json(DIRECTORY / name / "expected.json", {
        "generator": "generate_modules.py", "versions": versions, "texts": TEXTS, "vectors": vectors})


if __name__ == "__main__":
    main()
