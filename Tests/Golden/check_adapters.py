"""Checks that PEFT and graft read one another's adapters, and compute the same with them.

usage: check_adapters.py GRAFT MODEL_DIR ...        (MODEL_DIR: an encoder with a tokenizer, such as make_families.py writes)

For each model, `graft finetune` trains an adapter of every kind on corpora/tiny-sentiment; PEFT loads the directory on
AutoModelForSequenceClassification, and its probabilities are compared with `graft classify --raw-scores`. Then PEFT saves adapters
with random weights, and graft reads them. Prints one line each; exit status 1 if anything differs by more than 1e-4.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import golden
import torch
from peft import IA3Config, LoraConfig, PeftModel, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer

CORPUS = golden.ROOT / "corpora/tiny-sentiment"
LINES = (CORPUS / "dev.tsv").read_text(encoding="utf-8").splitlines()[1:9]
TEXTS = [line.split("\t")[0] for line in LINES]
TRAINED = {
    "lora": ["--method", "lora"],
    "rslora": ["--method", "lora", "--rslora", "--targets", "all-linear", "--adapter-bias", "lora_only"],
    "dora": ["--method", "lora", "--dora", "--rank", "4", "--alpha", "16", "--adapter-bias", "all"],
    "ia3": ["--method", "ia3"],
    "prompt": ["--method", "prompt", "--virtual-tokens", "6"],
    "prefix": ["--method", "prefix", "--virtual-tokens", "6", "--prefix-projection", "24"],
}


def saved(model_type, hidden_size):
    base = dict(task_type="SEQ_CLS")
    fused = {"modernbert": ["Wqkv"]}.get(model_type)
    kinds = {"lora": LoraConfig(r=4, target_modules=fused or "all-linear", **base),
             "dora": LoraConfig(r=2, use_dora=True, target_modules=fused, bias="lora_only", **base),
             "prompt": PromptTuningConfig(num_virtual_tokens=5, **base)}
    if model_type in ("bert", "roberta"):
        kinds["ia3"] = IA3Config(**base)
        kinds["prefix"] = PrefixTuningConfig(num_virtual_tokens=5, prefix_projection=True,
                                             encoder_hidden_size=hidden_size, **base)
    return kinds


def graft_scores(graft, directory):
    lines = subprocess.run([graft, "classify", directory, "--scores", "--raw-scores"], input="\n".join(TEXTS) + "\n", text=True,
                           check=True, capture_output=True).stdout.splitlines()
    return torch.tensor([list(json.loads(line)["scores"].values()) for line in lines])


def peft_scores(model, tokenizer):
    model.eval()
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            inputs = tokenizer(text, return_tensors="pt")
            inputs.pop("token_type_ids", None)
            rows.append(model(**inputs).logits[0].softmax(-1))
    return torch.stack(rows)


def compare(what, ours, theirs):
    difference = float((ours - theirs).abs().max())
    print(f"{what}: {difference:.1e}", flush=True)
    return difference < 1e-4


def main():
    graft, *models = sys.argv[1:]
    is_good = True
    for base in models:
        name = Path(base).name
        tokenizer = AutoTokenizer.from_pretrained(base)
        load = lambda: AutoModelForSequenceClassification.from_pretrained(base, num_labels=2,
                                                                          attn_implementation="eager")
        config = load().config
        with tempfile.TemporaryDirectory() as scratch:
            for kind, flags in TRAINED.items():
                if kind == "prefix" and config.model_type not in ("bert", "roberta"):
                    continue
                output = f"{scratch}/{kind}"
                subprocess.run([graft, "finetune", base, "--train", CORPUS / "train.tsv", "--epochs", "3", "--learning-rate", "0.02",
                                "--output", output, *flags], check=True, capture_output=True)
                model = PeftModel.from_pretrained(load(), output)
                is_good &= compare(f"{name}, {kind}, trained by graft", graft_scores(graft, output),
                                  peft_scores(model, tokenizer))
            complete = f"{scratch}/complete"  # an encoder without a pooler gets one, which PEFT would not save
            load().save_pretrained(complete)
            tokenizer.save_pretrained(complete)
            for kind, peft_config in saved(config.model_type, config.hidden_size).items():
                model = get_peft_model(AutoModelForSequenceClassification.from_pretrained(
                    complete, attn_implementation="eager"), peft_config)
                with torch.no_grad():
                    for parameter in model.parameters():
                        if parameter.requires_grad:
                            parameter.add_(0.1 * torch.randn_like(parameter))
                output = f"{scratch}/peft-{kind}"
                model.save_pretrained(output)
                is_good &= compare(f"{name}, {kind}, saved by PEFT", graft_scores(graft, output),
                                  peft_scores(model, tokenizer))
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
