"""Writes optimization/expected.json: optimizers, schedules, losses, logistic regression, and ten training steps each way.

usage: generate_optimization.py   (needs scikit-learn and lion-pytorch besides the packages of Benchmarks/requirements.txt)

`trajectories` start from tiny-bert-gelu-classifier with the batches of tiny-bert-training (run generate_tiny_bert.py and
generate_training.py first) and, where a case says nothing else, with the recipe of tiny-bert-training: no dropout,
torch.optim.AdamW at 1e-3, weight decay 0.01 decoupled and on all but biases and normalizations, norm clipped at 1.0, linear
schedule with 3 warm-up steps of 10.
"""

import json
import math

import golden
import lion_pytorch
import sklearn
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression, Ridge
from transformers import BertForSequenceClassification, get_scheduler
from transformers.optimization import Adafactor

from generate_training import pad

STEPS = 10
random = torch.Generator().manual_seed(17)
normal = lambda *shape: torch.randn(*shape, generator=random)


# Optimizers alone.

class Decoupled:
    """torch.optim.SGD with weight decay that does not enter the gradient."""

    def __init__(self, groups, lr, **options):
        groups = [{**g, "decay": g["weight_decay"], "weight_decay": 0.0} for g in groups]
        self.inner = torch.optim.SGD(groups, lr=lr, **options)
        self.param_groups = self.inner.param_groups

    def step(self):
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.mul_(1 - group["lr"] * group["decay"])
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


OPTIMIZERS = {
    "adamw": (1e-3, lambda g, lr: torch.optim.AdamW(g, lr=lr)),
    "lion": (1e-4, lambda g, lr: lion_pytorch.Lion(g, lr=lr, betas=(0.9, 0.99))),
    "sgd": (1e-2, lambda g, lr: Decoupled(g, lr, momentum=0.9)),
    "nesterov": (1e-2, lambda g, lr: Decoupled(g, lr, momentum=0.9, nesterov=True)),
    "adafactor": (1e-3, lambda g, lr: Adafactor(g, lr=lr, scale_parameter=False, relative_step=False)),
    "adafactor_relative": (None, lambda g, lr: Adafactor(g, scale_parameter=True, relative_step=True)),
}


def optimizers():
    table, bias = normal(6, 5), normal(5)
    gradients = []
    for step in range(STEPS):
        rows = normal(6, 5)
        rows[[step % 6, (step + 1) % 6, 5]] = 0  # row 5 never has a gradient
        gradients.append({"table": rows.tolist(), "bias": normal(5).tolist()})
    results = {}
    for name, (_, make) in OPTIMIZERS.items():
        t, b = (torch.nn.Parameter(x.clone()) for x in (table, bias))
        optimizer = make([{"params": [t], "weight_decay": 0.1}, {"params": [b], "weight_decay": 0.0}], 0.05)
        for gradient in gradients:
            t.grad, b.grad = torch.tensor(gradient["table"]), torch.tensor(gradient["bias"])
            torch.nn.utils.clip_grad_norm_([t, b], 1.0)
            optimizer.step()
        results[name] = {"table": t.detach().flatten().tolist(), "bias": b.tolist()}
    return {"table": table.flatten().tolist(), "bias": bias.tolist(), "learningRate": 0.05,
            "gradients": [{k: torch.tensor(v).flatten().tolist() for k, v in g.items()} for g in gradients],
            "results": results}


# Schedules.

def rates(make, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-3)
    schedule = make(optimizer)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return values


def schedules():
    hugging_face = lambda name, **extra: lambda o: get_scheduler(name, o, 4, 20, scheduler_specific_kwargs=extra)
    cycle = lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 2e-3, total_steps=20, pct_start=0.3)
    return {
        "linear": rates(hugging_face("linear"), 20),
        "cosine": rates(hugging_face("cosine"), 20),
        "polynomial": rates(hugging_face("polynomial", power=2.0, lr_end=0.0), 20),
        "inverse_sqrt": rates(hugging_face("inverse_sqrt"), 20),
        "constant": rates(hugging_face("constant_with_warmup"), 20),
        "one_cycle": rates(cycle, 20),
    }


# Losses.

def focal(logits, target, gamma, weight=None):
    log = F.log_softmax(logits, -1).gather(1, target[:, None])[:, 0]
    each = -((1 - log.exp()) ** gamma) * log
    if weight is None:
        return each.mean()
    return (weight[target] * each).sum() / weight[target].sum()


def binary_focal(logits, target, gamma):
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p = logits.sigmoid()
    return ((1 - (p * target + (1 - p) * (1 - target))) ** gamma * each).mean()


def ordinal(logits, target, weight=None):
    p = logits.softmax(-1)
    loss = 0.0
    for k in range(logits.shape[1] - 1):
        above = p[:, k + 1:].sum(-1)
        below = p[:, : k + 1].sum(-1)
        loss = loss - torch.where(target > k, above.log(), below.log())
    return loss.mean() if weight is None else (weight[target] * loss).sum() / weight[target].sum()


def r_drop(logits, other, target, alpha):
    p, q = F.log_softmax(logits, -1), F.log_softmax(other, -1)
    kl = lambda a, b: F.kl_div(a, b, log_target=True, reduction="none").sum(-1)
    cross = 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(other, target))
    return cross + alpha * ((kl(p, q) + kl(q, p)) / 2).mean()


def losses():
    logits, other = 2 * normal(5, 3), 2 * normal(5, 3)
    classes = torch.tensor([0, 2, 1, 1, 2])
    sets = (normal(5, 3) > 0).float()
    values = 2 * normal(5, 3)
    weight = torch.tensor([0.5, 2.0, 1.25])
    cases = {
        "cross_entropy": lambda x: F.cross_entropy(x, classes),
        "smoothing": lambda x: F.cross_entropy(x, classes, label_smoothing=0.1),
        "weights": lambda x: F.cross_entropy(x, classes, weight=weight),
        "smoothing_weights": lambda x: F.cross_entropy(x, classes, weight=weight, label_smoothing=0.1),
        "focal": lambda x: focal(x, classes, 2.0),
        "focal_half_weights": lambda x: focal(x, classes, 0.5, weight),
        "ordinal": lambda x: ordinal(x, classes),
        "ordinal_weights": lambda x: ordinal(x, classes, weight),
        "binary": lambda x: F.binary_cross_entropy_with_logits(x, sets),
        "binary_weights": lambda x: F.binary_cross_entropy_with_logits(x, sets, pos_weight=weight),
        "binary_focal": lambda x: binary_focal(x, sets, 2.0),
        "huber": lambda x: F.huber_loss(x, values, delta=0.7),
    }
    results = {}
    for name, loss in cases.items():
        x = logits.clone().requires_grad_()
        value = loss(x)
        value.backward()
        results[name] = {"loss": value.item(), "gradient": x.grad.flatten().tolist()}
    x, y = logits.clone().requires_grad_(), other.clone().requires_grad_()
    value = r_drop(x, y, classes, 0.7)
    value.backward()
    results["r_drop"] = {"loss": value.item(), "gradient": x.grad.flatten().tolist(),
                         "otherGradient": y.grad.flatten().tolist()}
    flat = lambda t: t.flatten().tolist()
    return {"logits": flat(logits), "other": flat(other), "classes": classes.tolist(), "sets": flat(sets),
            "values": flat(values), "weights": weight.tolist(), "results": results}


# Linear models.

def linear_models():
    features = normal(60, 4).double()
    scores = features @ normal(4, 3).double() + 0.8 * normal(60, 3).double()
    classes = scores.argmax(1)
    sets = (scores[:, :2] > 0).long()
    x = features.float().double().numpy()
    exact = dict(tol=1e-10, max_iter=10000)
    softmax = LogisticRegression(C=0.5, **exact).fit(x, classes)
    binary = [LogisticRegression(C=0.5, **exact).fit(x, sets[:, label]) for label in range(2)]
    ridge = Ridge(alpha=3.0).fit(x, scores[:, :1].numpy())
    return {"features": features.flatten().tolist(), "classes": classes.tolist(), "sets": sets.flatten().tolist(),
            "values": scores[:, 0].tolist(), "c": 0.5, "alpha": 3.0,
            "softmax": {"weight": softmax.coef_.flatten().tolist(), "bias": softmax.intercept_.tolist()},
            "binary": {"weight": [v for m in binary for v in m.coef_[0].tolist()],
                       "bias": [m.intercept_[0] for m in binary]},
            "ridge": {"weight": ridge.coef_.flatten().tolist(), "bias": ridge.intercept_.tolist()}}


# Ten steps.

def depth(name):
    if name.startswith("bert.embeddings"):
        return 0
    if name.startswith("bert.encoder.layer."):
        return int(name.split(".")[3]) + 1
    return 3


def trajectory(batches, *, optimizer="adamw", rate=None, schedule=None, learns=None, factor=lambda n: 1.0, loss=None,
               penalty=None, attack=0.0, accumulate=1, average=None):
    model = BertForSequenceClassification.from_pretrained(
        golden.HERE / "tiny-bert-gelu-classifier", attn_implementation="eager").eval()
    named = list(model.named_parameters())
    start = {n: p.detach().clone() for n, p in named}
    usual, make = OPTIMIZERS[optimizer]
    rate = rate or usual
    groups = [{"params": [p], "weight_decay": 0.0 if "bias" in n or p.ndim == 1 else 0.01, "factor": factor(n)}
              for n, p in named]
    optimizer = make(groups, rate)
    schedule = schedule or (lambda s: s / 3 if s < 3 else (10 - s) / 7)
    loss = loss or (lambda logits, labels: F.cross_entropy(logits, labels))
    averages = {n: p.detach().clone() for n, p in named}
    results = []
    for step in range(STEPS // accumulate):
        for n, p in named:
            p.requires_grad_(learns is None or learns(n, step))
        optimizer.zero_grad()
        value = 0.0

        def accumulate_gradients(total):
            for index in range(accumulate):
                inputs = pad(batches[step * accumulate + index])
                labels = inputs.pop("labels")
                part = loss(model(**inputs).logits, labels) / accumulate
                if penalty:
                    part = part + penalty(named, start) / accumulate
                part.backward()
                total += part.item()
            return total

        value = accumulate_gradients(0.0)
        if attack:
            table = model.bert.embeddings.word_embeddings.weight
            kept = table.detach().clone()
            with torch.no_grad():
                table.add_(attack * table.grad / table.grad.norm())
            accumulate_gradients(0.0)
            with torch.no_grad():
                table.copy_(kept)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if rate:
            for group in optimizer.param_groups:
                group["lr"] = rate * schedule(step) * group["factor"]
        optimizer.step()
        results.append(value)
        if average:
            decay = min(average, (1 + step + 1) / (10 + step + 1))
            for n, p in named:
                averages[n].mul_(decay).add_(p.detach(), alpha=1 - decay)
    record = {"losses": results}
    if average:
        with torch.no_grad():
            for n, p in named:
                p.copy_(averages[n])
            inputs = pad(batches[0])
            record["averagedLogits"] = model(**{k: v for k, v in inputs.items() if k != "labels"}).logits.flatten().tolist()
    return record


def slanted(step, cut=1, total=10):
    share = step / cut if step < cut else max(0.0, 1 - (step - cut) / (total - cut))
    return (1 + share * 31) / 32


def trajectories():
    batches = json.loads((golden.HERE / "tiny-bert-training/expected.json").read_text())["batches"]
    weight = torch.tensor([0.5, 2.0, 1.25])
    sets = lambda labels: torch.stack([(labels != 0).float(), (labels == 1).float(), (labels != 1).float()], 1)
    values = lambda labels: torch.stack([labels.float() - 1, 0.5 * labels.float(), 3.0 - labels.float()], 1)

    def l2_sp(named, start):
        total = 0.0
        for n, p in named:
            total = total + (0.01 / 2 * (p**2).sum() if n.startswith("classifier")
                             else 0.1 / 2 * ((p - start[n]) ** 2).sum())
        return total

    import re
    cases = {
        "adamw": {}, **{name: {"optimizer": name} for name in OPTIMIZERS if name != "adamw"},
        "top_k": {"learns": lambda n, s: depth(n) >= 2},
        "bitfit": {"learns": lambda n, s: "bias" in n or n.startswith("classifier")},
        "gradual": {"learns": lambda n, s: depth(n) >= 3 - s // 3, "factor": lambda n: 2.6 ** (depth(n) - 3),
                    "schedule": slanted},
        "layer_decay": {"factor": lambda n: 0.8 ** (3 - depth(n))},
        "patterns": {"factor": lambda n: 5.0 if re.search(r"layer\.1\..*bias", n) else
                     2.0 if n.startswith("classifier") or "pooler" in n else 1.0},
        "smoothing": {"loss": lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)},
        "focal": {"loss": lambda x, y: focal(x, y, 2.0)},
        "weights": {"loss": lambda x, y: F.cross_entropy(x, y, weight=weight)},
        "ordinal": {"loss": ordinal},
        "binary": {"loss": lambda x, y: F.binary_cross_entropy_with_logits(x, sets(y))},
        "binary_focal": {"loss": lambda x, y: binary_focal(x, sets(y), 2.0)},
        "regression": {"loss": lambda x, y: F.mse_loss(x, values(y))},
        "huber": {"loss": lambda x, y: F.huber_loss(x, values(y), delta=1.0)},
        "l2_sp": {"penalty": l2_sp},
        "fgm": {"attack": 0.5},
        "accumulate": {"accumulate": 2},
        "average": {"average": 0.9},
    }
    return {name: trajectory(batches, **options) for name, options in cases.items()}


if __name__ == "__main__":
    directory = golden.HERE / "optimization"
    directory.mkdir(exist_ok=True)
    golden.write_json(directory / "expected.json", {
        "generator": "generate_optimization.py",
        "versions": {**golden.versions(sklearn), "lion_pytorch": "0.2.5"},
        "optimizers": optimizers(), "schedules": schedules(), "losses": losses(), "linearModels": linear_models(),
        "trajectories": trajectories()})
    print((directory / "expected.json").stat().st_size, "bytes")
