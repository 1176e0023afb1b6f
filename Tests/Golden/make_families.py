"""Writes a small random checkpoint of every family with a real tokenizer beside it, for the round trip through the program.

usage: make_families.py MODEL_DIR OUTPUT_DIR        (MODEL_DIR lends its tokenizer: all-MiniLM-L6-v2)

OUTPUT_DIR/NAME is what transformers' save_pretrained writes for the family's encoder. Prints the names, one a line.
"""

import sys
from pathlib import Path

import golden
import torch
import transformers
from transformers import AutoTokenizer

SMALL = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
             max_position_embeddings=130)
FAMILIES = {
    "bert": ("BertModel", SMALL),
    "roberta": ("RobertaModel", dict(SMALL, type_vocab_size=1, pad_token_id=0)),
    "camembert": ("CamembertModel", dict(SMALL, type_vocab_size=1, pad_token_id=0)),
    "xlm-roberta": ("XLMRobertaModel", dict(SMALL, type_vocab_size=1, pad_token_id=0)),
    "distilbert": ("DistilBertModel", dict(dim=64, n_layers=2, n_heads=4, hidden_dim=128,
                                           max_position_embeddings=130)),
    "albert": ("AlbertModel", dict(SMALL, embedding_size=32)),
    "electra": ("ElectraModel", dict(SMALL, embedding_size=32)),
    "mpnet": ("MPNetModel", SMALL),
    "modernbert": ("ModernBertModel", dict(SMALL, num_hidden_layers=4, local_attention=16, bos_token_id=101,
                                           cls_token_id=101, eos_token_id=102, sep_token_id=102)),
    "nomic_bert": ("NomicBertModel", SMALL),
    "gte": ("GteModel", SMALL),
}


def main():
    source, output = sys.argv[1], Path(sys.argv[2])
    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.model_max_length = 128
    for seed, (name, (class_name, values)) in enumerate(FAMILIES.items()):
        torch.manual_seed(seed)
        model_class = getattr(transformers, class_name)
        values = {"pad_token_id": tokenizer.pad_token_id, **values}
        model = model_class(model_class.config_class(vocab_size=len(tokenizer), **values))
        golden.save_checkpoint(model, output / name)
        tokenizer.save_pretrained(output / name)
        print(name)


if __name__ == "__main__":
    main()
