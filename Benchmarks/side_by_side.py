"""What the benchmarks share: contenders in turn, timing the graft binary, a table and a JSON line at the end."""

import argparse
import csv
import fcntl
import hashlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

# Graft runs in the environment the benchmark was started in; the peers' settings below are not for it.
ENVIRONMENT = dict(os.environ)
ROOT = Path(__file__).resolve().parent.parent


def prepare_peers(threads):
    """Call before importing torch or onnxruntime."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    os.environ["RAYON_NUM_THREADS"] = str(threads)


def separated(kind, choices=None):
    """The type of an option that takes values behind commas."""
    def parse(text):
        values = [kind(value) for value in text.split(",")]
        for value in values:
            if choices is not None and value not in choices:
                raise argparse.ArgumentTypeError(f"{value!r} is none of {', '.join(map(str, choices))}")
        return values

    return parse


def arguments(description, rounds, threads=None):
    """The options that every benchmark takes, and a parser to add more to.

    `threads`: the default of a benchmark that takes several numbers of threads; the others take one.
    """
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--graft", default=str(ROOT / ".build/release/graft"), help="the binary to measure")
    parser.add_argument("--no-graft", action="store_true", help="measure the peers only")
    parser.add_argument("--no-peers", action="store_true", help="measure graft only")
    if threads is None:
        parser.add_argument("--threads", type=int, default=2)
    else:
        parser.add_argument("--threads", type=separated(int), default=threads)
    parser.add_argument("--rounds", type=int, default=rounds)
    return parser


def graft_path(options):
    """The binary, or None when only peers are to be measured; exits when it is missing."""
    if options.no_graft:
        return None
    if not os.access(options.graft, os.X_OK):
        sys.exit(f"{options.graft}: no such program; run `make build`, or give --graft PATH or --no-graft")
    return options.graft


def corpus():
    """The directory of the movie reviews, fetched if need be."""
    made = subprocess.run([ROOT / "corpora/movie-reviews/prepare"], stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        sys.exit(made.returncode)
    return Path(made.stdout.strip())


def read_tsv(path):
    """The columns `text` and `label`; no quoting."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return [row[0] for row in rows], [row[1] for row in rows]


def scratch():
    """A directory that later runs reuse (ONNX exports, a classifier)."""
    directory = Path(os.environ.get("GRAFT_BENCHMARKS", Path(tempfile.gettempdir()) / "graft-benchmarks"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def memory(process, key):
    """`VmRSS` (now) or `VmHWM` (highest so far) of a running process in MB; None when it has ended."""
    try:
        with open(f"/proc/{process}/status") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith(key))
    except (OSError, StopIteration):
        return None


def run_graft(command, input=None, output=None):
    """Runs graft to its end; returns seconds, standard output and peak memory in MB. Exits if it fails.

    Peak memory is read from /proc every 5 ms: the kernel's own figure for a child begins with its parent's.
    """
    peak, ended = [0.0], threading.Event()

    def watch():
        while not ended.wait(0.005):
            peak[0] = memory(process.pid, "VmHWM") or peak[0]

    with tempfile.TemporaryFile() as sink, tempfile.TemporaryFile() as errors:
        with open(input or os.devnull, "rb") as source, open(output or os.devnull, "wb") as target:
            started = time.perf_counter()
            process = subprocess.Popen(command, stdin=source, stdout=target if output else sink, stderr=errors,
                                       env=ENVIRONMENT)
            watcher = threading.Thread(target=watch)
            watcher.start()
            process.wait()
            seconds = time.perf_counter() - started
            ended.set()
            watcher.join()
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{' '.join(map(str, command))}\nended with status {process.returncode}: "
                     f"{errors.read().decode(errors='replace')[-2000:]}")
        sink.seek(0)
        return seconds, sink.read().decode(), peak[0]


class WarmGraft:
    """`graft embed` that holds its model in memory: lines go in through a pipe, vectors come out through another."""

    def __init__(self, command, columns):
        self.bytes, self.errors = 4 * columns, tempfile.TemporaryFile()
        self.process = subprocess.Popen([*command, "--format", "bin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, bufsize=0, env=ENVIRONMENT)
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
            except OSError:
                pass  # more than an ordinary user may have: it is only slower

    def embed(self, lines):
        """Sends lines, all of them ended, and returns the bytes of their vectors."""
        vectors = bytearray(self.bytes * lines.count(b"\n"))
        view = memoryview(vectors)
        writer = threading.Thread(target=self._send, args=(lines,)) if len(lines) > 4096 else None
        if writer:
            writer.start()
        else:
            self._send(lines)
        while view:
            count = self.process.stdout.readinto(view)
            if not count:
                self.errors.seek(0)
                sys.exit(f"{' '.join(map(str, self.process.args))}\nended early: {self.errors.read().decode()[-2000:]}")
            view = view[count:]
        if writer:
            writer.join()
        return vectors

    def _send(self, lines):
        view = memoryview(lines)
        try:
            while view:
                view = view[self.process.stdin.write(view) :]
        except BrokenPipeError:
            pass  # the reader says why

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Contender:
    """A name, a unit and a function that measures once. `higher` says whether more is better."""

    def __init__(self, name, measure, unit, higher=True):
        self.name, self.measure, self.unit, self.higher = name, measure, unit, higher
        self.values = []


def alternate(contenders, rounds, warm_up=True):
    """Every contender once per round, so that a slow moment of the machine hits all of them."""
    for contender in contenders if warm_up else []:
        contender.measure()
    for turn in range(rounds):
        for contender in contenders:
            time.sleep(0.3)  # idle threads of the previous one stop spinning
            contender.values.append(contender.measure())
            print(f"round {turn + 1}/{rounds} {contender.name}: {contender.values[-1]:.4g} {contender.unit}",
                  file=sys.stderr, flush=True)


def results(contenders, reference=None):
    """A row for every contender that was measured. Ratios above 1 mean: better than `reference` (else the first)."""
    contenders = [contender for contender in contenders if contender.values]
    if not contenders:
        return []
    names = {contender.name: contender for contender in contenders}
    base = names.get(reference, contenders[0])
    rows = []
    for contender in contenders:
        median = statistics.median(contender.values)
        ratio = None
        if contender.unit == base.unit:
            ratio = median / statistics.median(base.values)
            ratio = ratio if contender.higher else 1 / ratio
        rows.append({"name": contender.name, "median": rounded(median), "unit": contender.unit,
                     "lowest": rounded(min(contender.values)), "highest": rounded(max(contender.values)),
                     "rounds": len(contender.values), "ratio": ratio and rounded(ratio)})
    return rows


def print_rows(title, rows, base):
    width = max(len(row["name"]) for row in rows)
    print(title)
    print(f"{'':{width}}  {'median':>10} {'lowest':>10} {'highest':>10}  unit           against {base}")
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        print(f"{row['name']:{width}}  {row['median']:10.4g} {row['lowest']:10.4g} {row['highest']:10.4g}  "
              f"{row['unit']:13}  {ratio}")


def environment():
    """What a reader of the numbers asks first."""
    return {"processor": processor(), "cores": os.cpu_count(), "loadAverage": os.getloadavg()[0],
            "versions": versions()}


def report(benchmark, contenders, reference=None, **extra):
    """Prints the table and, as the last line, JSON."""
    rows = results(contenders, reference)
    if not rows:
        return
    base = reference if reference in [row["name"] for row in rows] else rows[0]["name"]
    print_rows(f"{benchmark}, {platform.machine()}, {processor()}", rows, base)
    for key, value in extra.items():
        print(f"{key}: {value}")
    print(json.dumps({"benchmark": benchmark, **environment(), "reference": base, "results": rows, **extra}),
          flush=True)


def rounded(value):
    return float(f"{value:.4g}")


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def versions():
    """Of the peers that are installed."""
    found = {}
    for name in ("torch", "transformers", "sentence-transformers", "tokenizers", "onnxruntime", "openvino", "nncf",
                 "ctranslate2", "scikit-learn"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def key_of(path):
    """Names a file in `scratch` after the directory it was made from."""
    return hashlib.sha256(os.path.abspath(path).encode()).hexdigest()[:12]


def peer_classifier(model):
    """A two-label classifier directory made by transformers from `model` with an untrained head, for speed only."""
    directory = scratch() / f"classifier-{key_of(model)}"
    if not (directory / "config.json").exists():
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        torch.manual_seed(1)
        classifier = AutoModelForSequenceClassification.from_pretrained(
            model, num_labels=2, id2label={0: "negative", 1: "positive"}, label2id={"negative": 0, "positive": 1})
        partial = Path(tempfile.mkdtemp(dir=scratch()))
        classifier.save_pretrained(partial)
        AutoTokenizer.from_pretrained(model).save_pretrained(partial)
        partial.rename(directory)
    return directory


def classifier_onnx(directory):
    """A classifier's directory as an ONNX file: ids and mask in, logits out."""
    path = scratch() / f"classifier-{key_of(directory)}.onnx"
    if not path.exists():
        import torch
        from transformers import AutoModelForSequenceClassification

        class Classifier(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = AutoModelForSequenceClassification.from_pretrained(directory, attn_implementation="eager")

            def forward(self, input_ids, attention_mask):
                return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

        export_onnx(Classifier(), path, "logits")
    return str(path)


def export_onnx(module, path, output):
    """Writes a torch module of (input_ids, attention_mask) as ONNX, unless it is there."""
    if path.exists():
        return
    import torch

    ids = torch.ones(2, 8, dtype=torch.long)
    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "batch", 1: "tokens"} for name in names} | {output: {0: "batch"}}
    if output == "last_hidden_state":
        axes[output][1] = "tokens"
    partial = path.with_suffix(".partial")
    torch.onnx.export(module.eval(), (ids, ids), str(partial), input_names=names, output_names=[output],
                      dynamic_axes=axes, opset_version=17, dynamo=False)
    partial.rename(path)


def padded_batches(sequences, size):
    """(indices, ids, mask) of batches of similar length, longest first."""
    import numpy

    order = sorted(range(len(sequences)), key=lambda i: -len(sequences[i]))
    for start in range(0, len(order), size):
        indices = order[start : start + size]
        length = max(len(sequences[i]) for i in indices)
        ids = numpy.zeros((len(indices), length), numpy.int64)
        mask = numpy.zeros((len(indices), length), numpy.int64)
        for row, i in enumerate(indices):
            ids[row, : len(sequences[i])] = sequences[i]
            mask[row, : len(sequences[i])] = 1
        yield indices, ids, mask
