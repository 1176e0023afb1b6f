"""Checks that transformers loads a directory written by `graft finetune` and computes what `graft classify` does.

usage: check_interoperation.py DIR DATA.tsv RECORDS.jsonl [--max-length 128] [--temperature 1] [--tolerance 1e-4]

DATA.tsv has a header with a column `text` (or is one text per line when the first line holds no tab). RECORDS.jsonl
is what graft printed for those texts in that order, one record a line: {"index":0,"logits":[...]}, or
{"index":0,"scores":{"negative":0.02,"positive":0.98}} as `--scores` gives, or {"index":0,"value":1.5} of a regression.
Logits and values are compared as they are, in the order of config.json's id2label; scores with
softmax(logits / temperature), so give the temperature if graft calibrated (or compare logits), or with the sigmoids
where problem_type is multi_label_classification. Exit status 1 and one line per complaint if anything differs.
"""

import argparse
import json
import math
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def read_texts(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")
    if lines[-1] == "":
        lines.pop()
    header = lines[0].split("\t")
    if "text" not in header:
        return lines
    column = header.index("text")
    return [line.split("\t")[column] for line in lines[1:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("data")
    parser.add_argument("records")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    complaints = []

    model, info = AutoModelForSequenceClassification.from_pretrained(arguments.directory, output_loading_info=True)
    model.eval()
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        if info.get(key):
            complaints.append(f"{arguments.directory}: transformers reports {key}: {sorted(map(str, info[key]))}")
    tokenizer = AutoTokenizer.from_pretrained(arguments.directory)
    labels = [model.config.id2label[i] for i in range(model.config.num_labels)]
    problem = model.config.problem_type
    if problem is None:
        complaints.append(f"{arguments.directory}/config.json: problem_type is missing")
    if problem != "regression" and labels == [f"LABEL_{i}" for i in range(len(labels))]:
        complaints.append(f"{arguments.directory}/config.json: id2label is missing")

    texts = read_texts(arguments.data)
    with open(arguments.records, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    if len(records) != len(texts):
        sys.exit(f"{arguments.records}: {len(records)} records for {len(texts)} texts in {arguments.data}")

    largest, worst, disagreements, kinds = 0.0, None, 0, set()
    for index, (text, record) in enumerate(zip(texts, records)):
        if record.get("index", index) != index or "error" in record:
            complaints.append(f"{arguments.records}:{index + 1}: expected the record of text {index}, found {record}")
            continue
        encoding = tokenizer(text, truncation=True, max_length=arguments.max_length, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**encoding).logits[0].double()
        if "logits" in record:
            ours, theirs = torch.tensor(record["logits"], dtype=torch.float64), logits
            kinds.add("logits")
        elif "scores" in record:
            if set(record["scores"]) != set(labels):
                complaints.append(f"{arguments.records}:{index + 1}: labels {sorted(record['scores'])}, "
                                  f"config.json has {sorted(labels)}")
                continue
            ours = torch.tensor([record["scores"][label] for label in labels], dtype=torch.float64)
            theirs = (torch.sigmoid(logits) if problem == "multi_label_classification"
                      else torch.softmax(logits / arguments.temperature, 0))
            kinds.add("scores")
        elif "value" in record:
            ours, theirs = torch.tensor([record["value"]], dtype=torch.float64), logits
            kinds.add("value")
        else:
            complaints.append(f"{arguments.records}:{index + 1}: neither logits nor scores nor a value in {record}")
            continue
        difference = float((ours - theirs).abs().max()) if len(ours) == len(theirs) else math.inf
        if math.isnan(difference):
            difference = math.inf
        if difference > largest:
            largest, worst = difference, index
        if "label" in record and record["label"] != labels[int(logits.argmax())]:
            disagreements += 1
    if not largest < arguments.tolerance:
        complaints.append(f"the largest difference is {largest:.2e} at text {worst}, expected less than "
                          f"{arguments.tolerance:.0e}: {texts[worst][:80]!r}")
    for complaint in complaints[:20]:
        print(complaint, file=sys.stderr)
    print(json.dumps({"texts": len(texts), "compared": sorted(kinds), "largestDifference": largest,
                      "differentLabels": disagreements, "passed": not complaints}))
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
