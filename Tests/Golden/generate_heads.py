"""Writes the heads/NAME checkpoints, made by transformers, and what transformers computes with them.

usage: generate_heads.py [NAME ...]        (from anywhere; writes beside itself; all variants without a name)

Every directory holds one tiny random checkpoint with a published head, and expected.safetensors: the logits, and for heads
that are trained the loss and the gradient of every parameter, without dropout. Values come from a float64 run of the
float32 weights; the script checks that torch's own float32 run agrees within 2e-5.
"""

import shutil
import sys

import golden
import torch
import transformers
from generate_families import MODERN_IDS, inputs, randomize, sequences

BERT = dict(vocab_size=29, hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
            max_position_embeddings=16)
ROBERTA = dict(BERT, max_position_embeddings=18, type_vocab_size=1, pad_token_id=1)
DISTILBERT = dict(vocab_size=29, dim=12, n_layers=1, n_heads=2, hidden_dim=16, max_position_embeddings=16)
ALBERT = dict(BERT, embedding_size=8)
ELECTRA = dict(BERT, embedding_size=6)
MPNET = dict(BERT, max_position_embeddings=18, relative_attention_num_buckets=32)
MODERN = dict(BERT, **MODERN_IDS)
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
SINGLE, MULTI, REGRESSION = "single_label_classification", "multi_label_classification", "regression"

# name: (model class, configuration, labels, problem type)
VARIANTS = {
    "bert-regression": ("BertForSequenceClassification", BERT, 1, None),
    "distilbert-regression": ("DistilBertForSequenceClassification", DISTILBERT, 1, REGRESSION),
    "albert-regression": ("AlbertForSequenceClassification", ALBERT, 2, REGRESSION),
    "bert-multi-label": ("BertForSequenceClassification", BERT, 4, MULTI),
    "roberta-multi-label": ("RobertaForSequenceClassification", ROBERTA, 3, MULTI),
    "electra-multi-label": ("ElectraForSequenceClassification", ELECTRA, 3, MULTI),
    "bert-tokens": ("BertForTokenClassification", BERT, TAGS, None),
    "roberta-tokens": ("RobertaForTokenClassification", ROBERTA, TAGS, None),
    "distilbert-tokens": ("DistilBertForTokenClassification", DISTILBERT, TAGS, None),
    "albert-tokens": ("AlbertForTokenClassification", ALBERT, TAGS, None),
    "electra-tokens": ("ElectraForTokenClassification", ELECTRA, TAGS, None),
    "mpnet-tokens": ("MPNetForTokenClassification", MPNET, TAGS, None),
    "bert-masked": ("BertForMaskedLM", BERT, None, None),
    "bert-pretraining": ("BertForPreTraining", BERT, None, None),
    "bert-masked-untied": ("BertForMaskedLM", dict(BERT, tie_word_embeddings=False), None, None),
    "roberta-masked": ("RobertaForMaskedLM", dict(ROBERTA, hidden_act="relu"), None, None),
    "distilbert-masked": ("DistilBertForMaskedLM", dict(DISTILBERT, activation="relu"), None, None),
    "albert-masked": ("AlbertForMaskedLM", ALBERT, None, None),
    "electra-masked": ("ElectraForMaskedLM", dict(ELECTRA, hidden_act="relu"), None, None),
    "mpnet-masked": ("MPNetForMaskedLM", MPNET, None, None),
    "modernbert-tokens": ("ModernBertForTokenClassification", MODERN, TAGS, None),
}


def targets(rows, labels, problem, seed):
    """Numbers or sets of labels for the sequences."""
    generator = torch.Generator().manual_seed(seed)
    if problem == MULTI:
        return (torch.rand(len(rows), labels, generator=generator) < 0.4).float()
    return 3 * torch.randn(len(rows), labels, generator=generator)


def compute(model, rows, wanted):
    """logits, or logits.I where every token has its own, and where something is wanted loss and gradient.NAME."""
    model.zero_grad()
    if wanted is None:
        outputs = [model(**inputs(model, row)) for row in rows]
        key = "prediction_logits" if hasattr(outputs[0], "prediction_logits") else "logits"
        return {f"logits.{i}": output[key][0].detach().clone() for i, output in enumerate(outputs)}
    wanted = wanted.to(next(model.parameters()).dtype)
    outputs = [model(**inputs(model, row), labels=wanted[i:i + 1]) for i, row in enumerate(rows)]
    logits = torch.cat([output.logits for output in outputs])
    # Each is a mean over the same number of labels.
    loss = torch.stack([output.loss for output in outputs]).mean()
    loss.backward()
    tensors = {"logits": logits.detach(), "loss": loss.detach().reshape(1), "targets": wanted}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            tensors["gradient." + name] = parameter.grad.clone()
    return tensors


def write(name, seed):
    class_name, values, labels, problem = VARIANTS[name]
    model_class = getattr(transformers, class_name)
    config = model_class.config_class(**values, attn_implementation="eager")
    if isinstance(labels, list):
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: i for i, label in enumerate(labels)}
    elif labels is not None:
        config.id2label = {i: f"LABEL_{i}" for i in range(labels)}
        config.label2id = {f"LABEL_{i}": i for i in range(labels)}
    config.problem_type = problem
    rows = sequences(config, seed, 16, {0, 1})
    torch.manual_seed(seed)
    model = randomize(model_class(config), seed)
    directory = golden.HERE / "heads" / name
    shutil.rmtree(directory, ignore_errors=True)
    golden.save_checkpoint(model, directory)
    wanted = targets(rows, labels, problem, seed) if isinstance(labels, int) else None
    single = compute(model, rows, wanted)
    double = compute(model.double(), rows, wanted)
    worst = max(float((single[key].double() - double[key]).abs().max() / max(1.0, float(double[key].abs().max())))
                for key in double)
    assert worst < 2e-5, f"{name}: float32 and float64 differ by {worst}"
    golden.write_tensors(directory / "expected.safetensors", double)
    for row in rows:
        del row["label"]
    golden.write_json(directory / "expected.json", {
        "generator": "generate_heads.py", "versions": golden.versions(),
        "largestDifferenceOfTorchFloat32": worst, "sequences": rows})
    size = sum(file.stat().st_size for file in directory.iterdir())
    print(f"{name}: {len(double)} tensors, {size // 1024} kB, float32 differs by at most {worst:.1e}")


def main():
    for name in sys.argv[1:] or list(VARIANTS):
        write(name, 1 + list(VARIANTS).index(name))


if __name__ == "__main__":
    main()
