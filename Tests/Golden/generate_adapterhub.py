"""Writes adapterhub/NAME: what AdapterHub's library computes with adapters on tiny BERT and RoBERTa checkpoints.

usage: generate_adapterhub.py [NAME ...]   (with the package `adapters` and the version of transformers that it pins)

bases/bert and bases/roberta are tiny random checkpoints without a head. Of every kind NAME there is, on each base:
  BASE-NAME/adapter_config.json, adapter.safetensors   as the library saves it, its matrices made random
  BASE-NAME/head_config.json, model_head.safetensors   a flexible head for three labels
  BASE-NAME/expected.json                              token ids, labels, logits, the losses of ten AdamW steps that train
                                                       adapter and head from there, and the number of values that learn
Compositions are BASE-NAME directories with a directory for each adapter. Everything is float32, without dropout.
"""

import random
import shutil
import sys

import golden
import adapters
import torch
from adapters import AdapterConfig, BertAdapterModel, RobertaAdapterModel
from adapters.composition import Average, Fuse, Stack
from transformers import BertConfig, RobertaConfig

OUTPUT = golden.HERE / "adapterhub"
STEPS = 10
SIZES = dict(vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
             max_position_embeddings=40, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)

KINDS = {
    "pfeiffer": ("seq_bn", dict(reduction_factor=4)),
    "houlsby": ("double_seq_bn", dict(reduction_factor=4)),
    "parallel": ("par_bn", dict(reduction_factor=4)),
    "compacter": ("compacter", dict(reduction_factor=4)),
    "compacter-plus": ("compacter++", dict(reduction_factor=4, shared_phm_rule=False, factorized_phm_rule=True)),
    "norms": ("seq_bn", dict(reduction_factor={"1": 2, "default": 4}, ln_before=True, ln_after=True, scaling="learned",
                             residual_before_ln=False)),
    "channels": ("double_seq_bn", dict(reduction_factor=4, original_ln_before=True, residual_before_ln="post_add",
                                       ln_after=True, adapter_residual_before_ln=True, scaling="channel",
                                       non_linearity="gelu", init_weights="houlsby", leave_out=[0])),
}
COMPOSITIONS = ["stack", "average", "fusion", "fusion-static"]


def model(base):
    """A tiny checkpoint with a flexible head; the base is the same every time."""
    torch.manual_seed(3)
    if base == "bert":
        made = BertAdapterModel(BertConfig(**SIZES))
    else:
        made = RobertaAdapterModel(RobertaConfig(**SIZES, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                                                 type_vocab_size=1))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return made.eval()


def randomize(made, names, seed):
    """Moves what is added to the base away from where it starts."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for key, parameter in made.named_parameters():
            if any(f".{name}." in key for name in names):
                parameter.add_(0.2 * torch.randn(parameter.shape))


def batches(config):
    source = random.Random(7)
    rows = []
    for step in range(STEPS):
        lengths = [source.randrange(2, 12) for _ in range(3)] + [12]
        rows.append([{"inputIDs": [source.randrange(3, config.vocab_size) for _ in range(length)],
                      "label": source.randrange(3)} for length in lengths])
    return rows


def pad(rows, padding):
    length = max(len(row["inputIDs"]) for row in rows)
    column = [row["inputIDs"] + [padding] * (length - len(row["inputIDs"])) for row in rows]
    mask = [[1] * len(row["inputIDs"]) + [0] * (length - len(row["inputIDs"])) for row in rows]
    return dict(input_ids=torch.tensor(column), attention_mask=torch.tensor(mask),
                labels=torch.tensor([row["label"] for row in rows]))


def expectations(directory, made, extra=None):
    """The logits of the first batch, and ten steps from there."""
    made.eval()
    rows = batches(made.config)
    inputs = [pad(batch, made.config.pad_token_id) for batch in rows]
    with torch.no_grad():
        logits = made(**inputs[0]).logits
    learned = [(key, value) for key, value in made.named_parameters() if value.requires_grad]
    decayed = [value for key, value in learned if value.ndim > 1 and "bias" not in key]
    spared = [value for key, value in learned if value.ndim == 1 or "bias" in key]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}],
                                  lr=1e-2)
    losses = []
    for batch in inputs:
        loss = made(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        regularization = made.base_model.get_fusion_regularization_loss()
        if regularization is not None and regularization.requires_grad:
            regularization.backward()
        torch.nn.utils.clip_grad_norm_([value for _, value in learned], 1.0)
        losses.append(loss.item())
        optimizer.step()
    golden.write_json(directory / "expected.json", {
        "generator": "generate_adapterhub.py", "versions": golden.versions(adapters), **(extra or {}),
        "learned": sum(value.numel() for _, value in learned), "learningRate": 1e-2, "losses": losses,
        "logits": logits.tolist(), "batches": rows})
    print(f"{directory.name}: losses {[round(loss, 4) for loss in losses]}")


def place(name):
    directory = OUTPUT / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def save(made, directory, name, head=True):
    # The library's duplicate names of one tensor are no safetensors file.
    try:
        made.save_adapter(str(directory), name, with_head=head, use_safetensors=True)
    except RuntimeError:
        made.save_adapter(str(directory), name, with_head=head)
    for file in directory.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)


def kind(base, name):
    architecture, changes = KINDS[name]
    made = model(base)
    made.add_adapter("task", config=AdapterConfig.load(architecture, **changes))
    made.add_classification_head("task", num_labels=3, id2label={0: "bad", 1: "fine", 2: "good"})
    randomize(made, ["task"], 5)
    made.train_adapter("task")
    directory = place(f"{base}-{name}")
    save(made, directory, "task")
    expectations(directory, made)


def composition(base, name):
    made = model(base)
    names = ["first", "second"]
    made.add_adapter("first", config=AdapterConfig.load("seq_bn", reduction_factor=4))
    made.add_adapter("second", config=AdapterConfig.load("seq_bn", reduction_factor=8))
    made.add_classification_head("second", num_labels=3, id2label={0: "bad", 1: "fine", 2: "good"})
    randomize(made, names, 6)
    directory = place(f"{base}-{name}")
    save(made, directory / "first", "first", head=False)
    save(made, directory / "second", "second")
    extra = {}
    if name == "stack":
        made.train_adapter(Stack(*names))
    elif name == "average":
        # The library takes the mean of what it weights: weights that sum to 2 make an average of it.
        made.train_adapter(Average(*names, weights=[0.6, 1.4], normalize_weights=False))
        extra["weights"] = [0.3, 0.7]
    else:
        made.add_adapter_fusion(Fuse(*names), "static" if name.endswith("static") else "dynamic")
        randomize(made, ["first,second"], 8)
        made.train_adapter_fusion(Fuse(*names))
        made.save_adapter_fusion(str(directory / "fusion"), Fuse(*names), use_safetensors=True)
        for file in directory.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)
    made.active_head = "second"
    expectations(directory, made, extra)


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for base in ["bert", "roberta"]:
        if not wanted or base in wanted:
            made = model(base)
            directory = place(f"bases/{base}")
            made.config.save_pretrained(directory)
            golden.write_tensors(directory / "model.safetensors",
                                 {key: value for key, value in made.named_parameters()})
            (directory / "config.json").chmod(0o644)
        for name in KINDS:
            if not wanted or name in wanted:
                kind(base, name)
        for name in COMPOSITIONS if base == "bert" else []:
            if not wanted or name in wanted:
                composition(base, name)
