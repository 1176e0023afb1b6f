"""Embedding in f32, bf16 and int8: graft beside sentence-transformers, torch, ONNX Runtime, OpenVINO and CTranslate2.

usage: inference.py MODEL_DIR [--parts throughput,fidelity,latency,cold,memory] [--models given,base]
                    [--lengths 12,27,128,512] [--precisions f32,bf16,int8] [--threads 1,2] [--rounds 5] [--quick]
                    [--sts TSV] [--peers onnxruntime,openvino,...] [--graft PATH] [--no-graft] [--no-peers]

MODEL_DIR is the directory of all-MiniLM-L6-v2 (`given`); `base` is a checkpoint of BERT-base's shape with random
weights and the same tokenizer, which the script makes. Every contender is a process of its own, and idle while
another is measured.

throughput  sentences/s from text to vector, the model in memory, on texts of the movie reviews: short ones (12 tokens
            in the mean), as they are (27), several joined (128) and many (512, where every encoder cuts). Peers get
            their texts sorted by length in batches of 32, of 8 for 512 tokens, which is more than their users usually
            do; sentence-transformers sorts by itself. graft is fed through a pipe, as they come; and as a whole
            process that reads a file, start-up included. torch and sentence-transformers, the slowest, get a quarter
            of the texts.
fidelity    lowest and mean cosine to torch's f32 vectors over --sentences reviews; with --sts (columns text_a, text_b,
            score) Spearman's correlation of cosines with scores.
latency     ms for one sentence of 13 tokens, warm: graft through a pipe and back, peers in their own process.
cold        ms from the start of a process to its end, with one vector in between.
memory      highest resident memory of a process that embeds the reviews of the throughput part.

Ratios above 1 mean that graft is better than the best peer in the same precision. The last line is JSON.
"""

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import side_by_side
from inference_peers import PEERS
from side_by_side import Contender, separated

PARTS = ["throughput", "fidelity", "latency", "cold", "memory"]
MODELS = ["given", "base"]
MEAN_LENGTHS = [12, 27, 128, 512]
PRECISIONS = list(PEERS)
MAX_LENGTH = 512

parser = side_by_side.arguments(__doc__, rounds=5, threads=[1, 2])
parser.add_argument("model")
parser.add_argument("--parts", type=separated(str, PARTS), default=PARTS)
parser.add_argument("--models", type=separated(str, MODELS), default=MODELS)
parser.add_argument("--lengths", type=separated(int, MEAN_LENGTHS), default=MEAN_LENGTHS)
parser.add_argument("--precisions", type=separated(str, PRECISIONS), default=PRECISIONS)
parser.add_argument("--peers", type=separated(str), help="beginnings of the names of those wanted")
parser.add_argument("--sentences", type=int, default=2000, help="of the fidelity part")
parser.add_argument("--sts", help="pairs with scores for the fidelity part")
parser.add_argument("--tokens", type=int, default=24_000,
                    help="a round of throughput; the base model, eight times as large, gets an eighth")
parser.add_argument("--quick", action="store_true", help="a third of the tokens, 3 rounds, 500 sentences")
options = parser.parse_args()
if options.quick:
    options.tokens, options.rounds, options.sentences = options.tokens // 3, min(options.rounds, 3), 500
graft = side_by_side.graft_path(options)
work = side_by_side.scratch()
os.environ["TOKENIZERS_PARALLELISM"] = "false"
missing = {}  # contenders that cannot run, and why
groups = []  # what the last line holds


# Models and texts


def base_model():
    """A directory with BERT-base's shape, random weights, and the tokenizer of the given model."""
    directory = work / f"bert-base-random-{side_by_side.key_of(options.model)}"
    if not directory.exists():
        program = """
import sys, torch
from transformers import AutoTokenizer, BertConfig, BertModel
torch.manual_seed(1)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
tokenizer.model_max_length = 512
# CTranslate2 asks for the kind of positions by name.
config = BertConfig(vocab_size=len(tokenizer), position_embedding_type="absolute")
BertModel(config, add_pooling_layer=False).save_pretrained(sys.argv[2])
tokenizer.save_pretrained(sys.argv[2])
"""
        partial = tempfile.mkdtemp(dir=work)
        subprocess.run([sys.executable, "-c", program, options.model, partial], check=True, stdout=sys.stderr)
        Path(partial).rename(directory)
    return str(directory)


class Texts:
    """Texts of the movie reviews of about one mean length, one a line of a file."""

    def __init__(self, name, texts, lengths):
        self.count, self.tokens = len(texts), sum(min(length, MAX_LENGTH) for length in lengths)
        self.lines = "".join(text + "\n" for text in texts).encode()
        self.path = work / f"{name}.txt"
        self.path.write_bytes(self.lines)
        # What the slow peers get.
        self.few = max(min(8, len(texts)), len(texts) // 4)
        self.few_path = work / f"{name}-few.txt"
        self.few_path.write_text("".join(text + "\n" for text in texts[: self.few]), encoding="utf-8")

    @property
    def mean(self):
        return self.tokens / self.count


class Corpus:
    """The movie reviews and what can be made of them."""

    def __init__(self):
        from tokenizers import Tokenizer

        self.texts, _ = side_by_side.read_tsv(side_by_side.corpus() / "train.tsv")
        tokenizer = Tokenizer.from_file(options.model + "/tokenizer.json")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(self.texts)]
        (work / "calibration.txt").write_text("".join(text + "\n" for text in self.texts[-300:]), encoding="utf-8")

    def of_length(self, mean, tokens):
        """As many as make `tokens`, at least 8."""
        count = max(8, tokens // mean)
        reviews = list(zip(self.texts, self.lengths))
        if mean == 12:
            reviews = [(text, length) for text, length in reviews if 6 <= length <= 16]
        elif mean > 27:
            joined, parts, total = [], [], 2
            for text, length in reviews * 8:
                parts.append(text)
                total += length - 2  # [CLS] and [SEP] stand once
                # At 512 every text is cut; at 128 the last review takes it half beyond, in the mean.
                if total >= (mean if mean == MAX_LENGTH else mean - 13):
                    joined.append((" ".join(parts), total))
                    parts, total = [], 2
            reviews = joined
        reviews = reviews[:count]
        return Texts(f"texts-{mean}", [text for text, _ in reviews], [length for _, length in reviews])

    def sentence(self, length):
        return self.texts[self.lengths.index(length)]


# Contenders


class Peer:
    """A process of inference_peers.py."""

    def __init__(self, name, model, threads):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(peer_command(name, model, threads), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            sys.exit(f"{' '.join(self.process.args)}\nended early: "
                     f"{self.errors.read().decode(errors='replace')[-2000:]}")
        return json.loads(line)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def peer_command(name, model, threads, *more):
    return [sys.executable, str(Path(__file__).with_name("inference_peers.py")), name, model, "--threads", str(threads),
            "--max-length", str(MAX_LENGTH), "--work", str(work), *more]


def graft_command(model, threads, precision):
    return [graft, "embed", model, "--threads", str(threads), "--precision", precision, "--max-length", str(MAX_LENGTH),
            "--pooling", "mean", "--normalize"]


def peer_names(precision):
    """The peers wanted that are not known to be missing."""
    if options.no_peers:
        return []
    return [name for name in PEERS[precision]
            if name not in missing and (options.peers is None or any(map(name.startswith, options.peers)))]


def start_peers(model, threads, precision):
    return {name: Peer(name, model, threads) for name in peer_names(precision)}


def leave_out(name, reason):
    missing[name] = str(reason)
    print(f"{name} is left out: {reason}", file=sys.stderr)


def prepare(models):
    """Makes everything that is made once, before anything is timed, and finds out who can run at all."""
    for precision in options.precisions:
        for name in peer_names(precision):
            for model in models.values():
                tried = subprocess.run(peer_command(name, model, 2, "--once", "a"), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
                if tried.returncode != 0:
                    leave_out(name, tried.stderr.decode(errors="replace").strip().split("\n")[-1][:300])
                    break
        if graft:
            tried = subprocess.run(graft_command(options.model, 1, precision), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=side_by_side.ENVIRONMENT)
            if tried.returncode != 0:
                leave_out(f"graft-{precision}", tried.stderr.decode().strip())


def runs_graft(precision):
    return graft is not None and f"graft-{precision}" not in missing


def finish(part, contenders, **what):
    """Prints a group's table, graft against the best peer, and keeps it for the last line."""
    if not any(contender.values for contender in contenders):
        return
    best = None
    for contender in contenders:
        if contender.values and not contender.name.startswith("graft"):
            value = statistics.median(contender.values) * (1 if contender.higher else -1)
            if best is None or value > best[0]:
                best = (value, contender.name)
    base = best[1] if best else contenders[0].name
    rows = side_by_side.results(contenders, base)
    title = ", ".join([part] + [f"{key} {value}" for key, value in what.items() if key != "texts"])
    side_by_side.print_rows(title, rows, base)
    print(flush=True)
    groups.append({"part": part, **what, "bestPeer": best and best[1], "results": rows,
                   "loadAverage": os.getloadavg()[0]})


# Parts


def throughput(name, model, corpus):
    columns = json.loads((Path(model) / "config.json").read_text())["hidden_size"]
    for length in options.lengths:
        texts = corpus.of_length(length, options.tokens if name == "given" else options.tokens // 8)
        batch = 8 if length == MAX_LENGTH else 32
        for threads in options.threads:
            for precision in options.precisions:
                throughput_group(name, model, columns, texts, batch, length, threads, precision)


def throughput_group(name, model, columns, texts, batch, length, threads, precision):
    peers = start_peers(model, threads, precision)
    contenders = []
    for peer_name, peer in peers.items():
        is_slow = "torch" in peer_name or "transformers" in peer_name
        path, count = (texts.few_path, texts.few) if is_slow else (texts.path, texts.count)

        def measure(peer=peer, path=path, count=count):
            return count / peer.ask(texts=str(path), batch=batch)["seconds"]

        contenders.append(Contender(peer_name, measure, "sentences/s"))
    warm = None
    if runs_graft(precision):
        command = graft_command(model, threads, precision)
        warm = side_by_side.WarmGraft(command, columns)

        def measure_warm():
            started = time.perf_counter()
            warm.embed(texts.lines)
            return texts.count / (time.perf_counter() - started)

        def measure_whole():
            seconds, _, _ = side_by_side.run_graft(
                [*command, "--format", "npy", str(texts.path)], None, work / "out.npy")
            return texts.count / seconds

        contenders += [Contender(f"graft-{precision}", measure_warm, "sentences/s"),
                       Contender(f"graft-{precision}, whole process", measure_whole, "sentences/s")]
    side_by_side.alternate(contenders, options.rounds)
    for process in [*peers.values(), *([warm] if warm else [])]:
        process.close()
    finish("throughput", contenders, model=name, meanTokens=round(texts.mean, 1), length=length, threads=threads,
           precision=precision, texts=texts.count)


def vectors_of(name, model, path):
    """What a contender makes of a file of texts, `[texts, size]`."""
    import numpy

    output = work / "vectors.npy"
    if name.startswith("graft-"):
        command = graft_command(model, max(options.threads), name.removeprefix("graft-"))
        side_by_side.run_graft([*command, "--format", "npy", str(path)], None, output)
    else:
        peer = Peer(name, model, max(options.threads))
        peer.ask(texts=str(path), batch=32, save=str(output))
        peer.close()
    vectors = numpy.load(output)
    # A length of 1 that was rounded to bf16 is none.
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def fidelity(name, model, corpus):
    """Of a model with trained weights only: random ones give every sentence nearly the same vector."""
    import numpy

    def write(file, texts):
        (work / file).write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        return work / file

    reviews = write("fidelity.txt", corpus.texts[: options.sentences])
    pairs = []
    if options.sts:
        with open(options.sts, encoding="utf-8", newline="") as file:
            pairs = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        sides = [write(f"sts-{side}.txt", [pair[f"text_{side}"] for pair in pairs]) for side in "ab"]
        scores = numpy.array([float(pair["score"]) for pair in pairs])
    names = [peer for precision in options.precisions for peer in peer_names(precision)]
    names += [f"graft-{precision}" for precision in options.precisions if runs_graft(precision)]
    reference = "torch-f32" if "torch-f32" in names else names[0]
    names.sort(key=lambda name: name != reference)
    rows, expected = [], None
    for contender in names:
        found = vectors_of(contender, model, reviews)
        expected = found if expected is None else expected
        cosines = (found * expected).sum(1)
        row = {"name": contender, "lowestCosine": round(float(cosines.min()), 6),
               "meanCosine": round(float(cosines.mean()), 6)}
        if pairs:
            a, b = [vectors_of(contender, model, side) for side in sides]
            row["spearman"] = round(100 * spearman((a * b).sum(1), scores), 3)
        rows.append(row)
        print(f"fidelity {row}", file=sys.stderr, flush=True)
    width = max(len(row["name"]) for row in rows)
    print(f"fidelity, model {name}, {options.sentences} reviews, cosine to {reference}"
          + (f"; Spearman (x100) on {len(pairs)} pairs" if pairs else ""))
    print(f"{'':{width}}  {'lowest':>9} {'mean':>9}" + (f" {'Spearman':>9}" if pairs else ""))
    for row in rows:
        print(f"{row['name']:{width}}  {row['lowestCosine']:9.6f} {row['meanCosine']:9.6f}"
              + (f" {row['spearman']:9.3f}" if pairs else ""))
    print(flush=True)
    groups.append({"part": "fidelity", "model": name, "sentences": options.sentences, "reference": reference,
                   "pairs": len(pairs), "results": rows})


def spearman(a, b):
    """Pearson's correlation of ranks, equal values sharing the mean of theirs."""
    import numpy

    def ranks(values):
        _, inverse, counts = numpy.unique(values, return_inverse=True, return_counts=True)
        ends = numpy.cumsum(counts)
        return (ends - (counts - 1) / 2)[inverse]

    return float(numpy.corrcoef(ranks(a), ranks(b))[0, 1])


def latency(name, model, corpus):
    columns = json.loads((Path(model) / "config.json").read_text())["hidden_size"]
    text, calls = corpus.sentence(13), 50
    for threads in options.threads:
        for precision in options.precisions:
            peers = start_peers(model, threads, precision)
            contenders = [
                Contender(peer_name, lambda peer=peer: statistics.median(
                    peer.ask(latency=calls, text=text)["milliseconds"]), "ms", higher=False)
                for peer_name, peer in peers.items()]
            warm = None
            if runs_graft(precision):
                warm = side_by_side.WarmGraft(graft_command(model, threads, precision), columns)
                line = (text + "\n").encode()

                def measure():
                    times = []
                    for _ in range(calls):
                        started = time.perf_counter()
                        warm.embed(line)
                        times.append(1000 * (time.perf_counter() - started))
                    return statistics.median(times)

                contenders.append(Contender(f"graft-{precision}", measure, "ms", higher=False))
            side_by_side.alternate(contenders, options.rounds)
            for process in [*peers.values(), *([warm] if warm else [])]:
                process.close()
            finish("latency", contenders, model=name, tokens=13, threads=threads, precision=precision)


def cold(name, model, corpus):
    text, threads = corpus.sentence(13), max(options.threads)
    line = work / "line.txt"
    line.write_text(text + "\n", encoding="utf-8")

    def timed(command):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return 1000 * (time.perf_counter() - started)

    for precision in options.precisions:
        contenders = [
            Contender(peer, lambda command=peer_command(peer, model, threads, "--once", text): timed(command), "ms",
                      higher=False) for peer in peer_names(precision)]
        if runs_graft(precision):
            command = [*graft_command(model, threads, precision), "--format", "bin", str(line)]
            contenders.append(Contender(
                f"graft-{precision}", lambda: 1000 * side_by_side.run_graft(command, None, os.devnull)[0], "ms",
                higher=False))
        side_by_side.alternate(contenders, options.rounds)
        finish("cold", contenders, model=name, threads=threads, precision=precision)


def memory(name, model, corpus):
    threads = max(options.threads)
    texts = corpus.of_length(27, options.tokens if name == "given" else options.tokens // 8)
    for precision in options.precisions:
        contenders = []
        for peer_name in peer_names(precision):
            def measure(peer_name=peer_name):
                peer = Peer(peer_name, model, threads)
                peak = peer.ask(texts=str(texts.path), batch=32)["peakMB"]
                peer.close()
                return peak

            contenders.append(Contender(peer_name, measure, "MB", higher=False))
        if runs_graft(precision):
            command = [*graft_command(model, threads, precision), "--format", "bin", str(texts.path)]
            contenders.append(Contender(
                f"graft-{precision}", lambda: side_by_side.run_graft(command, None, os.devnull)[2], "MB", higher=False))
        side_by_side.alternate(contenders, 1, warm_up=False)
        finish("memory", contenders, model=name, threads=threads, precision=precision)


def summary():
    """graft against the best peer, a line for every group."""
    print(f"{'part':10} {'model':5} {'tokens':>6} {'threads':>7}  {'precision':9} {'graft':>9} {'best peer':>9}  ratio")
    for group in groups:
        rows = {row["name"]: row for row in group["results"]}
        mine, best = rows.get(f"graft-{group.get('precision')}"), rows.get(group.get("bestPeer"))
        if mine and best:
            print(f"{group['part']:10} {group['model']:5} {group.get('length', ''):>6} {group['threads']:>7}  "
                  f"{group['precision']:9} {mine['median']:9.4g} {best['median']:9.4g}  {mine['ratio']:5.2f}  "
                  f"{mine['unit']}, {best['name']}")
    for name, reason in missing.items():
        print(f"{name} is left out: {reason}")


models = {"given": options.model} if "given" in options.models else {}
if "base" in options.models:
    models["base"] = base_model()
corpus = Corpus()
prepare(models)
functions = {"throughput": throughput, "fidelity": fidelity, "latency": latency, "cold": cold, "memory": memory}
for part in options.parts:
    for name, model in models.items():
        if part != "fidelity" or name == "given":
            functions[part](name, model, corpus)
summary()
print(json.dumps({"benchmark": "inference", **side_by_side.environment(), "rounds": options.rounds,
                  "missing": missing, "groups": groups}), flush=True)
