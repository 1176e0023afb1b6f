"""Writes tiny-bert-training and minilm-training: what torch does in ten AdamW steps on fixed batches, without dropout.

usage: generate_training.py [MODEL_DIR]

tiny-bert-training starts from tiny-bert-gelu-classifier (run generate_tiny_bert.py first). minilm-training is written
when MODEL_DIR, all-MiniLM-L6-v2, is given: the real checkpoint with the classifier in its classifier.safetensors, on
the first 160 lines of corpora/tiny-sentiment/train.tsv.

The recipe: mean cross-entropy, gradient norm clipped at 1.0, torch.optim.AdamW (betas 0.9 and 0.999, eps 1e-8, weight
decay 0.01 on all but biases and LayerNorm), linear schedule with 3 warm-up steps of 10: the ten steps see 0, 1/3, 2/3,
1, 6/7, ... 1/7 of the peak rate. Everything is torch float32, as a user runs it; the losses of a float64 run stand
beside them.
"""

import random
import sys

import golden
import torch
from transformers import AutoTokenizer, BertForSequenceClassification, get_linear_schedule_with_warmup

STEPS, WARMUP = 10, 3


def pad(rows):
    length = max(len(row["inputIDs"]) for row in rows)
    column = lambda key: torch.tensor([row[key] + [0] * (length - len(row[key])) for row in rows])
    mask = torch.tensor([[1] * len(row["inputIDs"]) + [0] * (length - len(row["inputIDs"])) for row in rows])
    return dict(input_ids=column("inputIDs"), token_type_ids=column("tokenTypeIDs"), attention_mask=mask,
                labels=torch.tensor([row["label"] for row in rows]))


def train(model, batches, learning_rate):
    """The training loop; returns one record per step."""
    model.eval()  # no dropout
    optimizer = torch.optim.AdamW(golden.parameter_groups(model), lr=learning_rate)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    records = []
    for batch in batches:
        loss = model(**pad(batch)).loss
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        records.append({"loss": loss.item(), "gradientNorm": norm.item(),
                        "learningRate": optimizer.param_groups[0]["lr"]})
        optimizer.step()
        schedule.step()
    return records


def write(name, load, batches, learning_rate, extra):
    directory = golden.HERE / name
    directory.mkdir(exist_ok=True)
    model = load()
    single = train(model, batches, learning_rate)
    exact_model = load().double()
    double = train(exact_model, batches, learning_rate)
    exact = dict(exact_model.named_parameters())
    summary, worst = {}, 0.0
    for key, value in model.named_parameters():
        difference = float((value.detach().double() - exact[key].detach()).abs().max())
        if not key.endswith("attention.self.key.bias"):
            worst = max(worst, difference)
        values = value.detach().flatten()
        summary[key] = {"norm": float(values.double().norm()), "first": values[:8].tolist(),
                        "differenceFromFloat64": difference}
    loss_difference = max(abs(a["loss"] - b["loss"]) for a, b in zip(single, double))
    golden.write_json(directory / "expected.json", {
        "generator": "generate_training.py", "versions": golden.versions(), **extra,
        "peakLearningRate": learning_rate, "weightDecay": 0.01, "betas": [0.9, 0.999], "epsilon": 1e-8,
        "warmupSteps": WARMUP, "totalSteps": STEPS, "maxGradientNorm": 1.0,
        "losses": [r["loss"] for r in single], "gradientNorms": [r["gradientNorm"] for r in single],
        "learningRates": [r["learningRate"] for r in single],
        "lossesFloat64": [r["loss"] for r in double], "gradientNormsFloat64": [r["gradientNorm"] for r in double],
        "largestDifferenceFromFloat64": {"loss": loss_difference, "finalWeights": worst},
        "finalParameters": summary, "batches": batches})
    print(f"{name}: losses {[round(r['loss'], 4) for r in single]}; float64 differs by {loss_difference:.1e}, "
          f"final weights by {worst:.1e}")
    return directory, model


def tiny():
    source = random.Random(11)
    start = golden.HERE / "tiny-bert-gelu-classifier"
    load = lambda: BertForSequenceClassification.from_pretrained(start, attn_implementation="eager")
    config = load().config
    batches = []
    for _ in range(STEPS):
        batch = []
        for length in (source.randrange(2, 8), source.randrange(5, 16), source.randrange(2, 24), 24):
            cut = source.randrange(1, length)
            batch.append({"inputIDs": [source.randrange(1, config.vocab_size) for _ in range(length)],
                          "tokenTypeIDs": [0] * cut + [1] * (length - cut), "label": source.randrange(3)})
        batches.append(batch)
    directory, model = write("tiny-bert-training", load, batches, 1e-3, {"checkpoint": start.name})
    golden.write_tensors(directory / "final.safetensors", dict(model.named_parameters()))


def minilm(model_directory):
    directory = golden.HERE / "minilm-training"
    directory.mkdir(exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(model_directory)
    lines = (golden.ROOT / "corpora/tiny-sentiment/train.tsv").read_text(encoding="utf-8").splitlines()[1:161]
    labels = ["negative", "positive"]
    rows = []
    for line in lines:
        text, label = line.split("\t")
        ids = tokenizer(text)["input_ids"]
        rows.append({"inputIDs": ids, "tokenTypeIDs": [0] * len(ids), "label": labels.index(label)})
    batches = [rows[i : i + 16] for i in range(0, 160, 16)]
    weight = 0.02 * torch.randn(2, 384, generator=torch.Generator().manual_seed(5))
    golden.write_tensors(directory / "classifier.safetensors",
                         {"classifier.weight": weight, "classifier.bias": torch.zeros(2)})

    def load():
        model = BertForSequenceClassification.from_pretrained(model_directory, num_labels=2,
                                                              attn_implementation="eager")
        with torch.no_grad():
            model.classifier.weight.copy_(weight)
            model.classifier.bias.zero_()
        return model

    write("minilm-training", load, batches, 5e-5, {
        "checkpoint": "all-MiniLM-L6-v2", "modelSHA256": golden.sha256(f"{model_directory}/model.safetensors"),
        "labels": labels})


if __name__ == "__main__":
    tiny()
    if len(sys.argv) > 1:
        minilm(sys.argv[1])
