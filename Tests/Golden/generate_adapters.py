"""Writes adapters/NAME: adapters that PEFT saved, what it computes with them, and how it trains them.

usage: generate_adapters.py [NAME ...]        (writes beside itself; needs tiny-bert-gelu-classifier and families/)

Every directory is what PeftModel.save_pretrained writes for an adapter with random weights, on one of the tiny checkpoints of
the other generators. expected.json holds the logits of a few texts, the number of trainable parameters, and the losses of
ten AdamW steps from there, without dropout. adapters/counts.json has the numbers of trainable parameters of LoRA and IA3 with
the usual targets, of LoRA on all linear layers, and of DoRA with all biases, for all families that transformers has.
"""

import os
import random
import shutil
import sys

import golden
import peft
import torch
from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from transformers import (AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification,
                          get_linear_schedule_with_warmup)

STEPS, WARMUP, RATE = 10, 3, 1e-2
BERT, MODERN, ROBERTA = "tiny-bert-gelu-classifier", "families/modernbert", "families/roberta"
BASE = dict(task_type="SEQ_CLS")

# name: (base, configuration)
VARIANTS = {
    "lora": (BERT, LoraConfig(r=4, lora_alpha=8, **BASE)),
    "rslora": (BERT, LoraConfig(r=4, lora_alpha=8, use_rslora=True, bias="lora_only",
                                target_modules="all-linear", rank_pattern={"intermediate.dense": 2},
                                alpha_pattern={"output.dense": 3}, **BASE)),
    "dora": (BERT, LoraConfig(r=3, lora_alpha=6, use_dora=True, target_modules=["query", "value", "dense"],
                              layers_to_transform=[1], bias="all", **BASE)),
    "ia3": (BERT, IA3Config(**BASE)),
    "prompt": (BERT, PromptTuningConfig(num_virtual_tokens=5, **BASE)),
    "prefix": (BERT, PrefixTuningConfig(num_virtual_tokens=4, **BASE)),
    "prefix-projected": (BERT, PrefixTuningConfig(num_virtual_tokens=4, prefix_projection=True,
                                                  encoder_hidden_size=12, **BASE)),
    "modernbert-lora": (MODERN, LoraConfig(r=4, lora_alpha=8, target_modules=["Wqkv", "Wi"], **BASE)),
    "modernbert-dora": (MODERN, LoraConfig(r=2, use_dora=True, target_modules="all-linear", **BASE)),
    "modernbert-ia3": (MODERN, IA3Config(target_modules=["Wqkv", "mlp.Wo"], feedforward_modules=["mlp.Wo"], **BASE)),
    "modernbert-prompt": (MODERN, PromptTuningConfig(num_virtual_tokens=3, **BASE)),
    "roberta-lora": (ROBERTA, LoraConfig(r=2, target_modules="all-linear", **BASE)),
    "roberta-prompt": (ROBERTA, PromptTuningConfig(num_virtual_tokens=3, **BASE)),
    "roberta-prefix": (ROBERTA, PrefixTuningConfig(num_virtual_tokens=3, **BASE)),
}


def load(name):
    return AutoModelForSequenceClassification.from_pretrained(golden.HERE / name, attn_implementation="eager")


def pad(rows, padding):
    length = max(len(row["inputIDs"]) for row in rows)
    ids = torch.tensor([row["inputIDs"] + [padding] * (length - len(row["inputIDs"])) for row in rows])
    mask = torch.tensor([[1] * len(row["inputIDs"]) + [0] * (length - len(row["inputIDs"])) for row in rows])
    return dict(input_ids=ids, attention_mask=mask, labels=torch.tensor([row["label"] for row in rows]))


def train(model, batches):
    model.eval()  # no dropout
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = golden.parameter_groups(model)
    for group in groups:
        group["params"] = [p for p in group["params"] if p.requires_grad]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    losses = []
    for batch in batches:
        loss = model(**pad(batch, model.config.pad_token_id or 0)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        losses.append(loss.item())
        optimizer.step()
        schedule.step()
    return losses


def disturb(model, seed):
    """Every trainable value away from where it starts."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))


def write(name, seed):
    base, config = VARIANTS[name]
    source = random.Random(seed)
    model = load(base)
    size, limit = model.config.vocab_size, 14
    text = lambda length: [source.randrange(3, size) for _ in range(length)]
    batches = [[{"inputIDs": text(source.randrange(2, limit)), "label": source.randrange(3)} for _ in range(4)]
               for _ in range(STEPS)]
    torch.manual_seed(seed)
    model = get_peft_model(model, config)
    disturb(model, seed)
    model.eval()
    directory = golden.HERE / "adapters" / name
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    os.remove(directory / "README.md")
    for file in directory.iterdir():
        file.chmod(0o644)
    config_file = directory / "adapter_config.json"
    config_file.write_text(config_file.read_text().replace(str(golden.HERE / base), base))
    if name == "prefix-projected":
        encoder = model.prompt_encoder["default"].state_dict()
        head = {key.replace("base_model.classifier.modules_to_save.default.", "classifier."): value
                for key, value in model.state_dict().items() if "modules_to_save" in key}
        golden.write_tensors(directory / "training.safetensors",
                             {f"prompt_encoder.{key}": value for key, value in encoder.items()} | head)
    rows = batches[0]
    with torch.no_grad():
        logits = model(**pad(rows, model.config.pad_token_id or 0)).logits
    trainable, _ = model.get_nb_trainable_parameters()
    golden.write_json(directory / "expected.json", {
        "generator": "generate_adapters.py", "versions": golden.versions(peft), "base": base,
        "trainableParameters": trainable, "logits": logits.tolist(), "peakLearningRate": RATE, "weightDecay": 0.01,
        "warmupSteps": WARMUP, "losses": train(model, batches), "batches": batches})
    print(name, trainable, sorted(p.name for p in directory.iterdir()))


# Graft's own choices for the families that PEFT has no table for: of LoRA, and of IA3 with the last one's inputs scaled.
OWN_TARGETS = {
    "albert": (["query", "value"], ["key", "value", "ffn_output"]),
    "camembert": (["query", "value"], ["key", "value", "output.dense"]),
    "xlm-roberta": (None, ["key", "value", "output.dense"]),
    "electra": (None, ["key", "value", "output.dense"]),
    "distilbert": (["q_lin", "v_lin"], ["k_lin", "v_lin", "ffn.lin2"]),
    "mpnet": (["q", "v"], ["k", "v", "output.dense"]),
    "modernbert": (["Wqkv"], ["Wqkv", "mlp.Wo"]),
    XX
}


def counts():
    table = {}
    for directory in sorted((golden.HERE / "families").iterdir()):
        name = f"families/{directory.name}"
        try:
            config = AutoConfig.from_pretrained(golden.HERE / name)
        except (ValueError, KeyError) as error:
            print(f"{name}: {str(error).splitlines()[0][:90]}")
            continue
        # transformers gives these other modules than their checkpoints have, or does not know them.
        if config.model_type in ("gte", "nomic_bert") or getattr(config, "position_embedding_type", "") == "alibi":
            continue
        is_t5 = config.model_type in ("t5", "mt5")
        task = dict(task_type="TOKEN_CLS" if is_t5 else "SEQ_CLS")
        lora, ia3 = OWN_TARGETS.get(config.model_type, (None, None))
        kinds = {"lora": LoraConfig(target_modules=lora, **task),
                 "ia3": IA3Config(target_modules=ia3, feedforward_modules=ia3 and ia3[-1:], **task),
                 "all-linear": LoraConfig(r=3, target_modules="all-linear", **task),
                 "dora-biases": LoraConfig(r=2, use_dora=True, bias="all", target_modules=lora, **task)}
        for kind, peft_config in kinds.items():
            try:
                model = (AutoModelForTokenClassification if is_t5 else AutoModelForSequenceClassification).from_pretrained(
                    golden.HERE / name)
                model = get_peft_model(model, peft_config)
            except (ValueError, KeyError, OSError, TypeError, RuntimeError) as error:
                print(f"{name} {kind}: {str(error).splitlines()[0][:90]}")
                continue
            table.setdefault(name, {})[kind] = model.get_nb_trainable_parameters()[0]
    golden.write_json(golden.HERE / "adapters" / "counts.json", {
        "generator": "generate_adapters.py", "versions": golden.versions(peft), "counts": table})


if __name__ == "__main__":
    for index, name in enumerate(VARIANTS):
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            write(name, index + 1)
    if len(sys.argv) == 1 or "counts" in sys.argv:
        counts()
