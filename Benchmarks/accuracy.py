"""Accuracy of fine-tuned classifiers on six real corpora: graft beside transformers, PEFT, AdapterHub's adapters and
SetFit, at the same settings, and with nothing but defaults.

usage: accuracy.py MODEL_DIR DATA_DIR RESULTS.jsonl --system graft|transformers|peft|adapters|setfit
                   [--methods full,lora,pfeiffer,head,defaults,fewshot] [--corpora sst2,...] [--seeds 1,2,3]
                   [--train 1000 | --shots 8] [--test 1000] [--max-length 128] [--threads 2] [--graft PATH]
       accuracy.py --table RESULTS.jsonl

Every run learns from the same --train examples of a corpus (drawn with a fixed seed, stratified), without a dev set,
and is measured on the same --test ones; texts are cut at --max-length tokens. A run is one line of RESULTS.jsonl, and a run that
is there already is not repeated. `transformers` runs full and head, `peft` lora, `adapters` (in a Python environment of
its own: the package pins an older transformers) pfeiffer, `setfit` its own recipe; `graft` runs everything, and
`defaults` with no settings but --max-length. With --shots the examples are so many of each label, other ones for each seed, and
`graft` runs fewshot: SetFit's recipe.

The settings are those of the standard Python recipes: full is Trainer's own (learning rate 5e-5, batches of 8, 3
epochs, linear decay, no warm-up, no weight decay), lora PEFT's own (rank 8, alpha 8, no dropout, queries and values)
with the learning rate 1e-3 of its guides, pfeiffer AdapterHub's seq_bn (reduction 16) under its own classification head with 1e-3, head the pooler
and classifier on a frozen encoder (1e-3, batches of 32, 20 epochs, weight decay 0.01). Seconds are those of training
alone. busySeconds are those that processors worked, of graft for the whole process, of the others for training: with
--threads 1 they can be compared on a machine that does other work too; the table's last columns are their means.
"""

import argparse
import gzip
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTINGS = {
    "full": dict(rate=5e-5, batch=8, epochs=3), "lora": dict(rate=1e-3, batch=8, epochs=3),
    "pfeiffer": dict(rate=1e-3, batch=8, epochs=3), "head": dict(rate=1e-3, batch=32, epochs=20),
}
SYSTEM_METHODS = {
    "transformers": ["full", "head"], "peft": ["lora"], "adapters": ["pfeiffer"], "setfit": ["setfit"],
    "graft": ["full", "lora", "pfeiffer", "head", "defaults"],
}


def read(path):
    path = Path(path)
    opened = gzip.open(path, "rt", encoding="utf-8", newline="\n") if path.exists() and path.suffix == ".gz" else \
        open(path, encoding="utf-8", newline="\n")
    with opened as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def corpus(data, name):
    data = Path(data)
    files = {
        "sst2": ("sst2/train.tsv", "sst2/test.tsv"), "sst5": ("sst5/train.tsv", "sst5/test.tsv"),
        "trec": ("trec/train.tsv", "trec/test.tsv"), "ag_news": ("ag_news/train.tsv.gz", "ag_news/test.tsv.gz"),
        "amazon_dvd": ("amazon_multidomain/dvd_train.tsv.gz", "amazon_multidomain/dvd_test.tsv"),
        "tweets_en": ("umsab_multilingual_sentiment/train.tsv.gz", "umsab_multilingual_sentiment/test.tsv"),
        "banking77": ("banking77/train.tsv", "banking77/test.tsv"),
    }
    train, test = (read(data / file) for file in files[name])
    if name == "tweets_en":
        train, test = ([row for row in rows if row["lang"] == "en"] for rows in (train, test))
    return [[(row["text"], row["label"]) for row in rows] for rows in (train, test)]


def sample(rows, count, seed):
    """`count` rows, of every label its share."""
    random_source = random.Random(seed)
    by_label = {}
    for row in rows:
        by_label.setdefault(row[1], []).append(row)
    chosen = []
    for label in sorted(by_label):
        group = by_label[label]
        random_source.shuffle(group)
        chosen += group[: max(2, round(count * len(group) / len(rows)))]
    random_source.shuffle(chosen)
    return chosen


def shots(rows, count, seed):
    """`count` rows of every label."""
    random_source = random.Random(seed)
    by_label = {}
    for row in rows:
        by_label.setdefault(row[1], []).append(row)
    chosen = [row for label in sorted(by_label) for row in random_source.sample(sorted(by_label[label]), count)]
    random_source.shuffle(chosen)
    return chosen


def busy(whose=resource.RUSAGE_SELF):
    """Seconds that processors have worked for this process, or for the ended ones that it started."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


class Run:
    def __init__(self, options, name, method, seed):
        self.options, self.name, self.method, self.seed = options, name, method, seed
        train, test = corpus(options.data, name)
        self.train = shots(train, options.shots, seed) if options.shots else sample(train, options.train, 1)
        self.test = sample(test, options.test, 2)
        self.labels = sorted({label for _, label in self.train})

    # graft

    def graft(self):
        folder = Path(tempfile.mkdtemp())
        try:
            for part, rows in (("train", self.train), ("test", self.test)):
                with open(folder / f"{part}.tsv", "w", encoding="utf-8", newline="\n") as file:
                    file.write("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
            flags = ["--seed", str(self.seed), "--threads", str(self.options.threads), "--max-length",
                     str(self.options.max_length)]
            if self.method == "fewshot":
                flags += ["--method", "fewshot"]
            elif self.method != "defaults":
                settings = SETTINGS[self.method]
                flags += ["--method", self.method, "--learning-rate", str(settings["rate"]), "--batch-size",
                          str(settings["batch"]), "--epochs", str(settings["epochs"]), "--no-dev"]
                flags += ["--head-solver", "steps", "--no-mean-layer"] if self.method == "head" else \
                    ["--warmup", "0", "--weight-decay", "0", "--dropout", "0.1", "--precision", "f32"]
            before = busy(resource.RUSAGE_CHILDREN)
            run = subprocess.run(
                [self.options.graft, "finetune", self.options.model, "--train", str(folder / "train.tsv"), "--output",
                 str(folder / "model"), *flags], capture_output=True, text=True)
            if run.returncode:
                sys.exit(run.stderr)
            work = busy(resource.RUSAGE_CHILDREN) - before
            record = json.loads(run.stdout.strip().split("\n")[-1])
            result = subprocess.run(
                [self.options.graft, "evaluate", str(folder / "model"), "--data", str(folder / "test.tsv"), "--json"],
                check=True, capture_output=True, text=True)
            return json.loads(result.stdout)["accuracy"], record["trainingSeconds"], work
        finally:
            shutil.rmtree(folder)

    # Python

    def tokenized(self, tokenizer, rows):
        encoded = tokenizer([text for text, _ in rows], truncation=True, max_length=self.options.max_length)
        return [dict(input_ids=encoded["input_ids"][i], attention_mask=encoded["attention_mask"][i],
                     labels=self.labels.index(rows[i][1])) for i in range(len(rows))]

    def trainer(self, model, tokenizer, trainer_class):
        from transformers import DataCollatorWithPadding, TrainingArguments

        settings = SETTINGS[self.method]
        folder = tempfile.mkdtemp()
        try:
            arguments = TrainingArguments(
                folder, learning_rate=settings["rate"], per_device_train_batch_size=settings["batch"],
                num_train_epochs=settings["epochs"], seed=self.seed, report_to=[], save_strategy="no",
                disable_tqdm=True, use_cpu=True, per_device_eval_batch_size=32, logging_strategy="no")
            trainer = trainer_class(
                model=model, args=arguments, train_dataset=self.tokenized(tokenizer, self.train),
                data_collator=DataCollatorWithPadding(tokenizer))
            started, before = time.perf_counter(), busy()
            trainer.train()
            seconds, work = time.perf_counter() - started, busy() - before
            rows = self.tokenized(tokenizer, self.test)
            logits = trainer.predict(rows).predictions
            right = sum(int(logit.argmax() == row["labels"]) for logit, row in zip(logits, rows))
            return right / len(rows), seconds, work
        finally:
            shutil.rmtree(folder)

    def pretrained(self):
        from transformers import AutoModelForSequenceClassification, AutoTokenizer, set_seed

        set_seed(self.seed)
        return (AutoModelForSequenceClassification.from_pretrained(self.options.model, num_labels=len(self.labels)),
                AutoTokenizer.from_pretrained(self.options.model))

    def transformers(self):
        from transformers import Trainer

        model, tokenizer = self.pretrained()
        return self.head(model, tokenizer) if self.method == "head" else self.trainer(model, tokenizer, Trainer)

    def head(self, model, tokenizer):
        """The frozen encoder's first tokens, computed once."""
        import torch
        from transformers import get_linear_schedule_with_warmup

        sys.path.insert(0, str(Path(__file__).parent / "reference"))
        from finetune_accuracy import pad

        started, before = time.perf_counter(), busy()

        def features(rows):
            result = []
            for start in range(0, len(rows), 32):
                ids, mask = pad([row["input_ids"] for row in rows[start:start + 32]])
                with torch.no_grad():
                    result.append(model.bert(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0])
            return torch.cat(result), torch.tensor([row["labels"] for row in rows])

        model.eval()
        (train, targets), (test, answers) = (
            features(self.tokenized(tokenizer, rows)) for rows in (self.train, self.test))
        settings = SETTINGS["head"]
        learned = [*model.bert.pooler.named_parameters(), *model.classifier.named_parameters()]
        optimizer = torch.optim.AdamW(
            [{"params": [p for n, p in learned if "bias" not in n], "weight_decay": 0.01},
             {"params": [p for n, p in learned if "bias" in n], "weight_decay": 0.0}], lr=settings["rate"])
        steps = settings["epochs"] * -(-len(train) // settings["batch"])
        schedule = get_linear_schedule_with_warmup(optimizer, int(0.06 * steps), steps)
        logits = lambda rows: model.classifier(model.dropout(torch.tanh(model.bert.pooler.dense(rows))))
        model.train()
        for _ in range(settings["epochs"]):
            order = torch.randperm(len(train))
            for start in range(0, len(train), settings["batch"]):
                batch = order[start:start + settings["batch"]]
                torch.nn.functional.cross_entropy(logits(train[batch]), targets[batch]).backward()
                torch.nn.utils.clip_grad_norm_([p for _, p in learned], 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
        seconds, work = time.perf_counter() - started, busy() - before
        model.eval()
        with torch.no_grad():
            return (logits(test).argmax(1) == answers).float().mean().item(), seconds, work

    def peft(self):
        from peft import LoraConfig, TaskType, get_peft_model
        from transformers import Trainer

        model, tokenizer = self.pretrained()
        return self.trainer(get_peft_model(model, LoraConfig(task_type=TaskType.SEQ_CLS)), tokenizer, Trainer)

    def adapters(self):
        from adapters import AdapterTrainer, AutoAdapterModel
        from transformers import AutoTokenizer, set_seed

        set_seed(self.seed)
        model = AutoAdapterModel.from_pretrained(self.options.model)
        tokenizer = AutoTokenizer.from_pretrained(self.options.model)
        model.add_adapter("task", config="seq_bn")
        model.add_classification_head("task", num_labels=len(self.labels))
        model.train_adapter("task")
        return self.trainer(model, tokenizer, AdapterTrainer)

    def setfit(self):
        from datasets import Dataset
        from setfit import SetFitModel, Trainer, TrainingArguments

        model = SetFitModel.from_pretrained(self.options.model, labels=self.labels)
        folder = tempfile.mkdtemp()
        try:
            texts, labels = zip(*self.train)
            model.model_body.max_seq_length = self.options.max_length
            started, before = time.perf_counter(), busy()
            Trainer(
                model=model, train_dataset=Dataset.from_dict({"text": list(texts), "label": list(labels)}),
                args=TrainingArguments(
                    folder, seed=self.seed, max_steps=self.options.setfit_steps, report_to="none",
                    show_progress_bar=False)).train()
            seconds, work = time.perf_counter() - started, busy() - before
            predictions = model.predict([text for text, _ in self.test])
            right = sum(int(p == label) for p, (_, label) in zip(predictions, self.test))
            return right / len(self.test), seconds, work
        finally:
            shutil.rmtree(folder)


def table(path):
    runs = [json.loads(line) for line in open(path)]
    corpora = sorted({run["corpus"] for run in runs})
    print("system / method".ljust(24), *(name.rjust(12) for name in corpora), "mean".rjust(8), "seconds".rjust(9), "busy".rjust(9))
    for system, method in sorted({(run["system"], run["method"]) for run in runs}, key=lambda pair: pair[::-1]):
        means, seconds, work = [], [], []
        for name in corpora:
            mine = [r for r in runs if (r["system"], r["method"], r["corpus"]) == (system, method, name)]
            means.append(100 * sum(r["accuracy"] for r in mine) / len(mine) if mine else float("nan"))
            seconds += [r["seconds"] for r in mine]
            work += [r["busySeconds"] for r in mine if "busySeconds" in r]
        print(f"{system} {method}".ljust(24), *(f"{mean:12.2f}" for mean in means),
              f"{sum(means) / len(means):8.2f}", f"{sum(seconds) / len(seconds):9.1f}",
              f"{sum(work) / len(work) if work else float('nan'):9.1f}")


def main():
    if sys.argv[1:2] == ["--table"]:
        return table(sys.argv[2])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("results", type=Path)
    parser.add_argument("--system", choices=list(SYSTEM_METHODS), required=True)
    parser.add_argument("--methods")
    parser.add_argument("--corpora", default="sst2,sst5,trec,ag_news,amazon_dvd,tweets_en")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--train", type=int, default=1000)
    parser.add_argument("--shots", type=int, default=0)
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--setfit-steps", type=int, default=-1)
    parser.add_argument("--graft", default=str(Path(__file__).parent.parent / ".build/release/graft"))
    options = parser.parse_args()
    if options.system != "graft":
        import torch

        torch.set_num_threads(options.threads)
    done = [json.loads(line) for line in open(options.results)] if options.results.exists() else []
    methods = options.methods.split(",") if options.methods else SYSTEM_METHODS[options.system]
    if options.shots:
        options.train = options.shots
    for seed in map(int, options.seeds.split(",")):
        for name in options.corpora.split(","):
            for method in methods:
                key = dict(system=options.system, method=method, corpus=name, seed=seed, train=options.train)
                if any(all(run[k] == key[k] for k in key) for run in done):
                    continue
                accuracy, seconds, work = getattr(Run(options, name, method, seed), options.system)()
                line = json.dumps(key | dict(accuracy=accuracy, seconds=round(seconds, 2), busySeconds=round(work, 2)))
                with open(options.results, "a") as file:
                    file.write(line + "\n")
                print(line, flush=True)


main()
