"""Writes the families/NAME checkpoints, made by transformers, and what transformers computes with them.

usage: generate_families.py [NAME ...]        (from anywhere; writes beside itself; all variants without a name)

Every directory holds one tiny random checkpoint with its family's sequence-classification head (or the encoder alone where
transformers has no such head), and expected.safetensors: the hidden states of every layer, the logits, the loss, the
gradient of every parameter and the losses of ten AdamW steps, all without dropout. Values come from a float64 run of the
float32 weights; the script checks that torch's own float32 run agrees within 1e-5.
"""

import inspect
import random
import shutil
import sys

import golden
import torch
import transformers
from transformers import get_linear_schedule_with_warmup

LABELS = ["negative", "neutral", "positive"]
STEPS, WARMUP = 10, 3

# name: (model class, configuration, options)
VARIANTS = {
    "roberta": ("RobertaForSequenceClassification", dict(
        vocab_size=53, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=21, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5), {}),
    "roberta-padding-0": ("RobertaForSequenceClassification", dict(
        vocab_size=41, hidden_size=15, num_hidden_layers=1, num_attention_heads=5, intermediate_size=17,
        max_position_embeddings=18, type_vocab_size=2, pad_token_id=0, hidden_act="relu"), {}),
    "camembert": ("CamembertForSequenceClassification", dict(
        vocab_size=47, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
        max_position_embeddings=20, type_vocab_size=1, pad_token_id=1), {}),
    "xlm-roberta": ("XLMRobertaForSequenceClassification", dict(
        vocab_size=61, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32,
        max_position_embeddings=24, type_vocab_size=1, pad_token_id=1, hidden_act="gelu_new"), {}),
    "distilbert": ("DistilBertForSequenceClassification", dict(
        vocab_size=50, dim=18, n_layers=2, n_heads=3, hidden_dim=30, max_position_embeddings=19), {}),
    "distilbert-relu": ("DistilBertForSequenceClassification", dict(
        vocab_size=37, dim=16, n_layers=3, n_heads=2, hidden_dim=20, max_position_embeddings=17, activation="relu",
        sinusoidal_pos_embds=True), {}),
    "albert": ("AlbertForSequenceClassification", dict(
        vocab_size=45, embedding_size=8, hidden_size=16, num_hidden_layers=3, num_hidden_groups=1,
        num_attention_heads=2, intermediate_size=24, max_position_embeddings=18, inner_group_num=1), {}),
    "albert-groups": ("AlbertForSequenceClassification", dict(
        vocab_size=45, embedding_size=12, hidden_size=12, num_hidden_layers=5, num_hidden_groups=2,
        num_attention_heads=3, intermediate_size=20, max_position_embeddings=18, inner_group_num=2,
        hidden_act="gelu", type_vocab_size=1), {}),
    "electra": ("ElectraForSequenceClassification", dict(
        vocab_size=44, embedding_size=10, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=24, max_position_embeddings=19), {}),
    "electra-unprojected": ("ElectraForSequenceClassification", dict(
        vocab_size=40, embedding_size=14, hidden_size=14, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=21, max_position_embeddings=17, hidden_act="silu", type_vocab_size=1), {}),
    "mpnet": ("MPNetForSequenceClassification", dict(
        vocab_size=52, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=44, relative_attention_num_buckets=32), {}),
    "mpnet-odd": ("MPNetForSequenceClassification", dict(
        vocab_size=39, hidden_size=15, num_hidden_layers=2, num_attention_heads=3, intermediate_size=19,
        max_position_embeddings=30, hidden_act="gelu_new"), {}),
    "deberta-v3": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=42, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=40, relative_attention=True, position_buckets=8, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type="p2c|c2p", position_biased_input=False, type_vocab_size=0,
        pooler_hidden_act="gelu"), {}),
    "deberta-own-projections": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=36, hidden_size=15, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
        max_position_embeddings=30, relative_attention=True, max_relative_positions=11, pos_att_type=["c2p", "p2c"],
        position_biased_input=True, type_vocab_size=2, pooler_hidden_act="tanh", hidden_act="gelu_new"), {}),
    "deberta-projected-embeddings": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=40, embedding_size=10, hidden_size=18, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=44, relative_attention=True, position_buckets=7,
        max_relative_positions=24, pos_att_type="c2p", norm_rel_ebd="layer_norm", position_biased_input=False,
        type_vocab_size=2), {}),
    "deberta-position-to-content": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=38, hidden_size=12, num_hidden_layers=3, num_attention_heads=4, intermediate_size=16,
        max_position_embeddings=36, relative_attention=True, position_buckets=16, pos_att_type="p2c",
        share_att_key=True, position_biased_input=True, type_vocab_size=0), {}),
    "deberta-absolute": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=38, hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=20, relative_attention=False, type_vocab_size=2), {}),
}


def randomize(model, seed):
    """Weights large enough that every nonlinearity bends; normalizations and biases away from one and zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 1 and not name.endswith("bias"):
                parameter.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.2 * noise)
            elif "embed" in name or "relative_attention_bias" in name or "shared" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(noise * 1.5 / parameter.shape[1] ** 0.5)
    return model.eval()


def sequences(config, seed, limit, special):
    """Five inputs: a lone token, short, a pair with both types, repeated tokens, and the longest that fits."""
    source = random.Random(seed)
    usual = [i for i in range(config.vocab_size) if i not in special]
    types = getattr(config, "type_vocab_size", 1) or 1
    rows = []
    for length in (1, 4, 9, 6, limit):
        ids = [source.choice(usual) for _ in range(length)]
        if length == 6:
            ids = [ids[0], ids[1], ids[0], ids[1], ids[1], ids[0]]
        kinds = [0] * length
        if types > 1 and length >= 9:
            cut = source.randrange(3, length - 2)
            kinds = [0] * cut + [1] * (length - cut)
        rows.append({"inputIDs": ids, "tokenTypeIDs": kinds, "label": source.randrange(len(LABELS))})
    return rows


def inputs(model, row):
    values = dict(input_ids=torch.tensor([row["inputIDs"]]))
    accepted = inspect.signature(model.forward).parameters
    if (getattr(model.config, "type_vocab_size", 0) or 0) > 0 and "token_type_ids" in accepted:
        values["token_type_ids"] = torch.tensor([row["tokenTypeIDs"]])
    return values


def compute(model, rows):
    """sequence.I.hidden.L, logits, loss and gradient.NAME."""
    tensors = {}
    model.zero_grad()
    logits = []
    for i, row in enumerate(rows):
        output = model(**inputs(model, row), output_hidden_states=True)
        for layer, hidden in enumerate(output.hidden_states):
            tensors[f"sequence.{i}.hidden.{layer}"] = hidden[0].detach().clone()
        logits.append(output.logits)
    tensors["logits"] = torch.cat(logits).detach()
    loss = torch.nn.functional.cross_entropy(torch.cat(logits), torch.tensor([row["label"] for row in rows]))
    loss.backward()
    tensors["loss"] = loss.detach().reshape(1)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            tensors["gradient." + name] = parameter.grad.clone()
    return tensors


def train(model, rows, learning_rate):
    """The losses of ten steps on all sequences at once."""
    optimizer = torch.optim.AdamW(golden.parameter_groups(model), lr=learning_rate)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    losses = []
    for _ in range(STEPS):
        logits = torch.cat([model(**inputs(model, row)).logits for row in rows])
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor([row["label"] for row in rows]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        losses.append(loss.item())
        optimizer.step()
        schedule.step()
    return losses


def write(name, seed):
    class_name, values, options = VARIANTS[name]
    model_class = getattr(transformers, class_name)
    config = model_class.config_class(**values, attn_implementation="eager")
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: i for i, label in enumerate(LABELS)}
    config.problem_type = "single_label_classification"
    padding = config.pad_token_id
    limit = getattr(config, "max_position_embeddings", 24)
    if "relative" not in name and config.model_type in ("roberta", "camembert", "xlm-roberta"):
        limit -= padding + 1
    if config.model_type == "mpnet":
        limit -= 2
    limit = options.get("longest", limit)
    rows = sequences(config, seed, limit, {0, 1, padding})
    torch.manual_seed(seed)
    model = randomize(model_class(config), seed)
    directory = golden.HERE / "families" / name
    shutil.rmtree(directory, ignore_errors=True)
    golden.save_checkpoint(model, directory)
    single = compute(model, rows)
    model.double()
    double = compute(model, rows)
    worst = max(float(((single[key].double() - double[key]).abs().max()) / max(1.0, float(double[key].abs().max())))
                for key in double)
    assert worst < 2e-5, f"{name}: float32 and float64 differ by {worst}"
    rate = options.get("learning_rate", 1e-3)
    losses = train(model, rows, rate)
    golden.write_tensors(directory / "expected.safetensors", double)
    golden.write_json(directory / "expected.json", {
        "generator": "generate_families.py", "versions": golden.versions(),
        "largestDifferenceOfTorchFloat32": worst, "peakLearningRate": rate, "warmupSteps": WARMUP,
        "totalSteps": STEPS, "losses": losses, "sequences": rows})
    size = sum(file.stat().st_size for file in directory.iterdir())
    print(f"{name}: {len(double)} tensors, {size // 1024} kB, float32 differs by at most {worst:.1e}, "
          f"losses {losses[0]:.4f} to {losses[-1]:.4f}")


def main():
    names = sys.argv[1:] or list(VARIANTS)
    for name in names:
        write(name, 1 + list(VARIANTS).index(name))


if __name__ == "__main__":
    main()
