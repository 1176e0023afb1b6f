"""Time to the first label from a cold start: `printf 'text\\n' | graft classify DIR` beside Python processes.

usage: cold_start.py DIR [--runs 20] [--rounds 5] [--graft PATH] [--no-graft] [--no-peers]
       cold_start.py --model MODEL_DIR [...]

DIR is a classifier's directory (`graft finetune` writes one); with --model instead, transformers makes one with an
untrained head, which costs the same. Every run is a new process, timed from its start to its end, the files being in
the page cache after one unmeasured run. Peers: transformers (AutoTokenizer and
AutoModelForSequenceClassification, as a script would), and ONNX Runtime with the tokenizers package and nothing else
on an exported file, the fastest start that Python users have.
"""

import subprocess
import sys
import time

import side_by_side

parser = side_by_side.arguments(__doc__, rounds=5)
parser.add_argument("directory", nargs="?")
parser.add_argument("--model", help="make a classifier with an untrained head from this encoder")
parser.add_argument("--runs", type=int, default=20, help="of graft; divided among the rounds")
parser.add_argument("--text", default="A warm, wise and witty play, acted with real affection.")
options = parser.parse_args()
if (options.directory is None) == (options.model is None):
    parser.error("give either DIR or --model")
graft = side_by_side.graft_path(options)
side_by_side.prepare_peers(options.threads)
directory = options.directory or str(side_by_side.peer_classifier(options.model))

TRANSFORMERS = """
import sys
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
torch.set_num_threads(int(sys.argv[2]))
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1]).eval()
with torch.inference_mode():
    logits = model(**tokenizer(sys.stdin.read().strip(), return_tensors="pt")).logits[0]
print(model.config.id2label[int(logits.argmax())], float(logits.softmax(0).max()))
"""

ONNXRUNTIME = """
import json, sys
import numpy, onnxruntime
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
tokenizer.no_padding()
settings = onnxruntime.SessionOptions()
settings.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[3], settings, providers=["CPUExecutionProvider"])
labels = json.load(open(sys.argv[1] + "/config.json"))["id2label"]
ids = numpy.array([tokenizer.encode(sys.stdin.read().strip()).ids])
logits = session.run(None, {"input_ids": ids, "attention_mask": numpy.ones_like(ids)})[0][0]
scores = numpy.exp(logits - logits.max())
print(labels[str(int(logits.argmax()))], float(scores.max() / scores.sum()))
"""


def peer(name, program, *arguments):
    def measure():
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", program, directory, str(options.threads), *arguments], check=True,
                       input=options.text + "\n", text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return 1000 * (time.perf_counter() - started)

    return side_by_side.Contender(name, measure, "ms", higher=False)


def graft_contender(times, memory):
    line = side_by_side.scratch() / "line.txt"
    line.write_text(options.text + "\n", encoding="utf-8")
    command = ["sh", "-c", 'printf "%s\\n" "$0" | exec "$@"', options.text, graft, "classify", directory]

    def measure():
        """The median of this round's share of the runs; `times` keeps them all."""
        batch = []
        for _ in range(max(1, options.runs // options.rounds)):
            seconds, _, _ = side_by_side.run_graft(command)
            batch.append(1000 * seconds)
        times.extend(batch)
        memory.append(side_by_side.run_graft([graft, "classify", directory], line)[2])
        return sorted(batch)[len(batch) // 2]

    return side_by_side.Contender("graft", measure, "ms", higher=False)


times, memory = [], []
contenders = []
if not options.no_peers:
    onnx = side_by_side.classifier_onnx(directory)
    contenders += [peer("transformers", TRANSFORMERS), peer("onnxruntime", ONNXRUNTIME, onnx)]
extra = {}
if graft:
    contenders.append(graft_contender(times, memory))
side_by_side.alternate(contenders, options.rounds)
if graft:
    contenders[-1].values = times[max(1, options.runs // options.rounds):]  # the first share is the warm-up
    extra = {"graftPeakMemoryMB": round(max(memory))}
side_by_side.report("cold start of classify", contenders, reference="onnxruntime", **extra)
