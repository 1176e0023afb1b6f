"""Writes the tiny-bert-* checkpoints, made by transformers, and what transformers computes with them.

usage: generate_tiny_bert.py        (from anywhere; writes beside itself)

Each variant gives two directories: tiny-bert-NAME (BertModel, with or without pooler) and
tiny-bert-NAME-classifier (BertForSequenceClassification, three labels). README.md lists what they hold. All values
come from a float64 run of the float32 weights and are rounded to float32 once, so they are exact to half a unit in
the last place; the script checks that torch's own float32 run agrees within 1e-5.
"""

import random
import shutil

import golden
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel

VARIANTS = {
    "gelu": dict(hidden_act="gelu", hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
                 vocab_size=120, type_vocab_size=2, max_position_embeddings=24, layer_norm_eps=1e-12),
    "gelu-new": dict(hidden_act="gelu_new", hidden_size=36, num_hidden_layers=2, num_attention_heads=3,
                     intermediate_size=50, vocab_size=97, type_vocab_size=1, max_position_embeddings=20,
                     layer_norm_eps=1e-5),
    "relu": dict(hidden_act="relu", hidden_size=24, num_hidden_layers=3, num_attention_heads=2, intermediate_size=40,
                 vocab_size=64, type_vocab_size=2, max_position_embeddings=17, layer_norm_eps=1e-7, pooler=False),
    "silu": dict(hidden_act="silu", hidden_size=35, num_hidden_layers=1, num_attention_heads=5, intermediate_size=33,
                 vocab_size=101, type_vocab_size=3, max_position_embeddings=19, layer_norm_eps=1e-3, pooler=False),
}
LABELS = ["negative", "neutral", "positive"]


def randomize(model, seed):
    """Weights large enough that every nonlinearity bends; LayerNorm and biases away from one and zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("LayerNorm.weight"):
                parameter.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.2 * noise)
            elif "embeddings" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(noise * 1.5 / parameter.shape[1] ** 0.5)
    return model.eval()


def sequences(config, seed):
    """Five inputs: a lone token, short, a pair with both types, repeated tokens, and the longest that fits."""
    source = random.Random(seed)
    limit = config.max_position_embeddings
    rows = []
    for length in (1, 4, 9, 6, limit):
        ids = [source.randrange(1, config.vocab_size) for _ in range(length)]  # 0 is the padding, without a gradient
        if length == 6:
            ids = [ids[0], ids[1], ids[0], ids[1], ids[1], ids[0]]
        types = [0] * length
        if config.type_vocab_size > 1 and length >= 9:
            cut = source.randrange(3, length - 2)
            types = [0] * cut + [1] * (length - cut)
        if config.type_vocab_size > 2 and length == limit:
            types[-2:] = [2, 2]
        rows.append({"inputIDs": ids, "tokenTypeIDs": types, "label": source.randrange(len(LABELS))})
    return rows


def inputs(row):
    return dict(input_ids=torch.tensor([row["inputIDs"]]), token_type_ids=torch.tensor([row["tokenTypeIDs"]]))


def encoder_tensors(model, rows):
    """sequence.I.hidden.L: the embeddings' output (L = 0) and every layer's; sequence.I.pooler where there is one."""
    tensors = {}
    with torch.no_grad():
        for i, row in enumerate(rows):
            output = model(**inputs(row), output_hidden_states=True)
            for layer, hidden in enumerate(output.hidden_states):
                tensors[f"sequence.{i}.hidden.{layer}"] = hidden[0]
            if output.pooler_output is not None:
                tensors[f"sequence.{i}.pooler"] = output.pooler_output[0]
    return tensors


def classifier_tensors(model, rows):
    """logits, loss (mean cross-entropy over the sequences) and the gradient of every parameter, without dropout."""
    model.zero_grad()
    logits = torch.cat([model(**inputs(row)).logits for row in rows])
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([row["label"] for row in rows]))
    loss.backward()
    tensors = {"logits": logits.detach(), "loss": loss.detach().reshape(1)}
    for name, parameter in model.named_parameters():
        tensors["gradient." + name] = parameter.grad.clone()
    return tensors


def padded_loss(model, rows):
    """The same loss from one padded batch with an attention mask: it must not differ."""
    length = max(len(row["inputIDs"]) for row in rows)
    pad = lambda key: torch.tensor([row[key] + [0] * (length - len(row[key])) for row in rows])
    mask = torch.tensor([[1] * len(row["inputIDs"]) + [0] * (length - len(row["inputIDs"])) for row in rows])
    with torch.no_grad():
        output = model(input_ids=pad("inputIDs"), token_type_ids=pad("tokenTypeIDs"), attention_mask=mask,
                       labels=torch.tensor([row["label"] for row in rows]))
    return output.loss


def write(name, model, rows, compute):
    directory = golden.HERE / name
    shutil.rmtree(directory, ignore_errors=True)
    assert model.config._attn_implementation == "eager"
    golden.save_checkpoint(model, directory)
    single = compute(model, rows)
    model.double()
    double = compute(model, rows)
    worst = max(float((single[key].double() - double[key]).abs().max()) for key in double)
    assert worst < 1e-5, f"{name}: float32 and float64 differ by {worst}"
    if "loss" in double:
        difference = abs(float(padded_loss(model, rows) - double["loss"][0]))
        assert difference < 1e-12, f"{name}: the padded batch's loss differs by {difference}"
    golden.write_tensors(directory / "expected.safetensors", double)
    golden.write_json(directory / "expected.json", {
        "generator": "generate_tiny_bert.py", "versions": golden.versions(),
        "largestDifferenceOfTorchFloat32": worst, "sequences": rows})
    print(f"{name}: {len(double)} tensors, float32 differs by at most {worst:.1e}")


def main():
    for seed, (name, values) in enumerate(VARIANTS.items(), 1):
        values = dict(values)
        pooler = values.pop("pooler", True)
        config = BertConfig(**values, pad_token_id=0, attn_implementation="eager")
        rows = sequences(config, seed)
        torch.manual_seed(seed)
        encoder = randomize(BertModel(config, add_pooling_layer=pooler), seed)
        write(f"tiny-bert-{name}", encoder, [{k: v for k, v in row.items() if k != "label"} for row in rows],
              encoder_tensors)
        config.id2label = dict(enumerate(LABELS))
        config.label2id = {label: i for i, label in enumerate(LABELS)}
        config.problem_type = "single_label_classification"
        classifier = randomize(BertForSequenceClassification(config), 100 + seed)
        write(f"tiny-bert-{name}-classifier", classifier, rows, classifier_tensors)


if __name__ == "__main__":
    main()
