"""What the generators share: recorded versions, JSON and tensor files, tiny BERT checkpoints."""

import hashlib
import json
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy
import torch
import transformers
from safetensors.torch import save_file

transformers.utils.logging.disable_progress_bar()

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def versions(*modules):
    return {module.__name__: module.__version__ for module in (torch, transformers, numpy, *modules)}


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write_json(path, value):
    """One line per top-level key, so that differences stay readable and the file small."""
    rows = [f"{json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}" for key, item in value.items()]
    Path(path).write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def write_tensors(path, tensors):
    """A float32 safetensors file, readable by everyone."""
    save_file({key: value.detach().float().contiguous() for key, value in tensors.items()}, path)
    os.chmod(path, 0o644)


def save_checkpoint(model, directory):
    """save_pretrained, readable by everyone."""
    model.save_pretrained(directory)
    for file in Path(directory).iterdir():
        file.chmod(0o644)


def parameter_groups(model, weight_decay=0.01):
    """AdamW's two groups: weight decay spares biases, relative ones too, and normalizations, as the Trainer does."""
    def is_spared(name, parameter):
        return "bias" in name or parameter.ndim == 1

    named = list(model.named_parameters())
    return [
        {"params": [p for n, p in named if not is_spared(n, p)], "weight_decay": weight_decay},
        {"params": [p for n, p in named if is_spared(n, p)], "weight_decay": 0.0},
    ]
