"""Compares adapters that Graft and AdapterHub's library exchange, both ways.

usage: check_adapterhub.py GRAFT BASE ADAPTER_DIR [TEXT_FILE]        a directory that `graft finetune` wrote
       check_adapterhub.py GRAFT BASE --write KIND OUTPUT [TEXT_FILE]   one that the library writes, of seq_bn and the like

Run it with the package `adapters`. BASE is the directory of the base model. The library loads the adapter and its head
with BASE, no tensor missing or left over, and its probabilities of every text are compared with those that
`graft classify --raw-scores` gives: largest difference at most 1e-4.
"""

import json
import subprocess
import sys
from pathlib import Path

import adapters
import torch
from adapters import AutoAdapterModel
from transformers import AutoTokenizer

TEXTS = ["a warm and funny film", "dull from the first minute to the last", "it was fine, not more", "what a mess!"]


def write(base, kind, output):
    torch.manual_seed(0)
    model = AutoAdapterModel.from_pretrained(base)
    model.add_adapter("task", config=adapters.AdapterConfig.load(kind))
    model.add_classification_head("task", num_labels=2, id2label={0: "negative", 1: "positive"})
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if ".task." in key:
                parameter.add_(0.05 * torch.randn(parameter.shape))
    model.save_adapter(output, "task", use_safetensors=True)
    configuration = json.loads(Path(output, "adapter_config.json").read_text())
    configuration["model_name"] = str(base)
    Path(output, "adapter_config.json").write_text(json.dumps(configuration))


def load(base, directory):
    model = AutoAdapterModel.from_pretrained(base)
    info = {}
    if Path(directory, "adapter_setup.json").exists():
        setup, heads = model.load_adapter_setup(directory, set_active=True, use_safetensors=True)
        print("setup", setup, "heads", heads)
        return model.eval()
    name = model.load_adapter(directory, use_safetensors=True, loading_info=info, set_active=True)
    assert not info.get("missing_keys"), info
    assert not info.get("unexpected_keys"), info
    model.active_head = name
    return model.eval()


def main():
    arguments = sys.argv[1:]
    graft, base = arguments[:2]
    if arguments[2] == "--write":
        kind, directory = arguments[3:5]
        write(base, kind, directory)
        rest = arguments[5:]
    else:
        directory, rest = arguments[2], arguments[3:]
    texts = Path(rest[0]).read_text(encoding="utf-8").splitlines() if rest else TEXTS
    model = load(base, directory)
    tokenizer = AutoTokenizer.from_pretrained(base)
    limit = min(json.loads(Path(directory, "graft.json").read_text())["max_length"], 512) \
        if Path(directory, "graft.json").exists() else 128
    output = subprocess.run([graft, "classify", directory, "--scores", "--raw-scores", "--max-length", str(limit)],
                            input="\n".join(texts) + "\n", text=True, capture_output=True, check=True).stdout
    records = [json.loads(line) for line in output.splitlines()]
    worst = 0.0
    for text, record in zip(texts, records, strict=True):
        with torch.no_grad():
            logits = model(**tokenizer(text, return_tensors="pt", truncation=True, max_length=limit)).logits[0]
        expected = torch.softmax(logits, -1).tolist()
        labels = model.get_labels()
        worst = max([worst] + [abs(record["scores"][label] - value) for label, value in zip(labels, expected)])
    print(f"{directory}: {len(texts)} texts, largest difference of probabilities {worst:.1e}")
    sys.exit(worst > 1e-4)


if __name__ == "__main__":
    main()
