"""Fine-tuning speed: graft beside transformers + torch, in one precision, on the movie reviews.

usage: finetune.py MODEL_DIR [--corpus DIR] [--steps 60] [--head-sentences 8000] [--skip-head] [--probe]
                   [--precision f32|bf16] [--method full|lora]
                   [--threads 2] [--rounds 5] [--graft PATH] [--no-graft] [--no-peers]

Full fine-tuning (batch 32, at most 128 tokens, AdamW, clipping, dropout as the checkpoint says): transformers trains
5 steps unmeasured, then --steps per round, on batches of similar length drawn as in reference/finetune_accuracy.py,
which spares it padding (graft, which does not pad, draws at random);
padding, forward, backward and the optimizer are timed; bf16 is torch's
autocast. graft trains one epoch per round and the figure is the
`samplesPerSecond` of its last line. The ratio is graft's over transformers'.

With --method lora both train PEFT's default adapter (rank 8 on queries and values) at 1e-3.

`--method head` (encoder frozen) is timed whole, from the command to its end, on the first --head-sentences lines of
train.tsv; --probe adds what its users would do instead: sentence-transformers' encode and scikit-learn's logistic
regression in one Python process, imports included.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import side_by_side

parser = side_by_side.arguments(__doc__, rounds=5)
parser.add_argument("model")
parser.add_argument("--corpus", help="a directory with train.tsv and dev.tsv, instead of the movie reviews")
parser.add_argument("--steps", type=int, default=60)
parser.add_argument("--head-sentences", type=int, default=8000)
parser.add_argument("--skip-head", action="store_true")
parser.add_argument("--probe", action="store_true")
parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
parser.add_argument("--method", choices=["full", "lora"], default="full")
options = parser.parse_args()
graft = side_by_side.graft_path(options)
side_by_side.prepare_peers(options.threads)
corpus = Path(options.corpus) if options.corpus else side_by_side.corpus()
train, dev = corpus / "train.tsv", corpus / "dev.tsv"
BATCH, LENGTH, RATE = 32, 128, {"full": 5e-5, "lora": 1e-3}[options.method]
PEERS = {"full": "transformers + torch", "lora": "PEFT + torch"}[options.method]


def transformers_contender():
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, get_linear_schedule_with_warmup

    sys.path.insert(0, str(Path(__file__).parent / "reference"))
    from finetune_accuracy import length_grouped_batches, pad, parameter_groups

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    random.seed(1)
    texts, names = side_by_side.read_tsv(train)
    labels = sorted(set(names))
    targets = [labels.index(name) for name in names]
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    sequences = tokenizer(texts, truncation=True, max_length=LENGTH)["input_ids"]
    model = AutoModelForSequenceClassification.from_pretrained(options.model, num_labels=len(labels)).train()
    if options.method == "lora":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS")).train()
    groups = parameter_groups(model, 0.01)
    for group in groups:
        group["params"] = [parameter for parameter in group["params"] if parameter.requires_grad]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    total = 5 + options.steps * options.rounds
    schedule = get_linear_schedule_with_warmup(optimizer, int(0.06 * total), total)
    pending = []

    def step():
        if not pending:
            pending.extend(length_grouped_batches(sequences, BATCH))
        batch = pending.pop()
        ids, mask = pad([sequences[i] for i in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            loss = model(input_ids=ids, attention_mask=mask, labels=torch.tensor([targets[i] for i in batch])).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        return len(batch)

    for _ in range(5):
        step()

    def measure():
        started = time.perf_counter()
        samples = sum(step() for _ in range(options.steps))
        return samples / (time.perf_counter() - started)

    return side_by_side.Contender(PEERS, measure, "samples/s")


def finetune(method, train):
    """Runs `graft finetune`; returns its record, the whole time and peak memory in MB."""
    parent = Path(tempfile.mkdtemp(dir=side_by_side.scratch()))
    try:
        seconds, output, memory = side_by_side.run_graft([
            graft, "finetune", options.model, "--train", str(train), "--dev", str(dev), "--method", method,
            "--threads", str(options.threads), "--seed", "1", "--output", str(parent / "model"),
            *(["--epochs", "1", "--learning-rate", str(RATE), "--batch-size", str(BATCH), "--max-length", str(LENGTH),
               "--precision", options.precision, *(["--dropout", "0.1"] if method == "full" else [])]
              if method != "head" else [])])
        return json.loads(output.strip().split("\n")[-1]), seconds, memory
    finally:
        shutil.rmtree(parent)


def graft_contender(memory):
    def measure():
        record, _, peak = finetune(options.method, train)
        memory.append(peak)
        return record["samplesPerSecond"]

    return side_by_side.Contender("graft", measure, "samples/s")


def head_file():
    path = side_by_side.scratch() / "head.tsv"
    with open(train, encoding="utf-8", newline="") as file:
        lines = file.readlines()[: options.head_sentences + 1]
    path.write_text("".join(lines), encoding="utf-8", newline="")
    return path


def head_contender(path):
    def measure():
        return finetune("head", path)[1]

    return side_by_side.Contender("graft --method head", measure, "s", higher=False)


def probe_contender(path):
    program = """
import csv, sys
import torch
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
torch.set_num_threads(int(sys.argv[4]))
load = lambda path: list(zip(*list(csv.reader(open(path, encoding="utf-8"), delimiter="\\t", quoting=3))[1:]))
(texts, labels), (dev, answers) = load(sys.argv[2]), load(sys.argv[3])
model = SentenceTransformer(sys.argv[1], device="cpu")
encode = lambda texts: model.encode(list(texts), batch_size=32, show_progress_bar=False)
print(LogisticRegression(max_iter=1000).fit(encode(texts), labels).score(encode(dev), answers))
"""

    def measure():
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", program, options.model, path, dev, str(options.threads)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - started

    return side_by_side.Contender("sentence-transformers + scikit-learn", measure, "s", higher=False)


memory = []
contenders = [] if options.no_peers else [transformers_contender()]
if graft:
    contenders.append(graft_contender(memory))
side_by_side.alternate(contenders, options.rounds, warm_up=False)
extra = {"steps": options.steps, "batchSize": BATCH, "maxLength": LENGTH, "threads": options.threads,
         "precision": options.precision}
if memory:
    extra["graftPeakMemoryMB"] = round(max(memory))
side_by_side.report(f"finetune --method {options.method}", contenders, reference=PEERS, **extra)

if not options.skip_head:
    path = head_file()
    contenders = [head_contender(path)] if graft else []
    if options.probe and not options.no_peers:
        contenders.append(probe_contender(path))
    side_by_side.alternate(contenders, options.rounds, warm_up=False)
    side_by_side.report("finetune --method head, whole process", contenders,
                        reference="sentence-transformers + scikit-learn", sentences=options.head_sentences)
