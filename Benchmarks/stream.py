"""One million short lines through `graft classify`, fed and read through pipes: order, memory and lines per second.

usage: stream.py DIR [--lines 1000000] [--peer-lines 5000] [--rounds 5] [--threads 2] [--graft PATH]
                 [--no-graft] [--no-peers]
       stream.py --model MODEL_DIR [...]

DIR is a classifier's directory; with --model instead, transformers makes one with an untrained head, which costs the
same. The lines are cut from the movie reviews: 2,000 different ones of 3 to 8 words, repeated.

First graft and the peers take turns on --peer-lines lines: transformers' text-classification pipeline with batches of
32, and ONNX Runtime with batches of 32 in input order, both in one Python process with the model loaded, graft as a
whole process. Then graft alone takes --lines lines. Of its output the script checks that there is one record a line,
that `index` counts up, and that each record has the label and score that its text got in a run of the 2,000 alone. It
samples the resident memory of graft all along: "flat" means that the second half's highest is at most 10 % above the
first half's. Exit status 1 if a check fails.
"""

import json
import statistics
import subprocess
import sys
import threading
import time

import side_by_side

parser = side_by_side.arguments(__doc__, rounds=5)
parser.add_argument("directory", nargs="?")
parser.add_argument("--model", help="make a classifier with an untrained head from this encoder")
parser.add_argument("--lines", type=int, default=1_000_000)
parser.add_argument("--peer-lines", type=int, default=5000)
options = parser.parse_args()
if (options.directory is None) == (options.model is None):
    parser.error("give either DIR or --model")
graft = side_by_side.graft_path(options)
side_by_side.prepare_peers(options.threads)
directory = options.directory or str(side_by_side.peer_classifier(options.model))


def short_lines(count=2000):
    """The first `count` different runs of 3 to 8 words in the reviews."""
    texts, _ = side_by_side.read_tsv(side_by_side.corpus() / "train.tsv")
    lines = {}
    for number, text in enumerate(texts):
        words, size = text.split(), 3 + number % 6
        if len(words) >= size:
            lines[" ".join(words[:size])] = None
        if len(lines) == count:
            break
    return list(lines)


different = short_lines()
peer_lines = [different[i % len(different)] for i in range(options.peer_lines)]


def pipeline_contender():
    import torch
    from transformers import pipeline

    torch.set_num_threads(options.threads)
    classify = pipeline("text-classification", model=directory, device="cpu", batch_size=32)

    def measure():
        started = time.perf_counter()
        for _ in classify(line for line in peer_lines):
            pass
        return len(peer_lines) / (time.perf_counter() - started)

    return side_by_side.Contender("transformers pipeline", measure, "lines/s")


def onnxruntime_contender():
    import onnxruntime
    from tokenizers import Tokenizer

    path = side_by_side.classifier_onnx(directory)
    tokenizer = Tokenizer.from_file(directory + "/tokenizer.json")
    tokenizer.no_padding()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])

    def measure():
        started = time.perf_counter()
        for start in range(0, len(peer_lines), 32):
            sequences = [e.ids for e in tokenizer.encode_batch(peer_lines[start : start + 32])]
            for _, ids, mask in side_by_side.padded_batches(sequences, 32):
                session.run(None, {"input_ids": ids, "attention_mask": mask})
        return len(peer_lines) / (time.perf_counter() - started)

    return side_by_side.Contender("onnxruntime", measure, "lines/s")


def stream(count):
    """Feeds `count` lines and reads the records; yields (index, raw line) and returns memory samples at the end."""
    process = subprocess.Popen([graft, "classify", directory, "--threads", str(options.threads)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=side_by_side.ENVIRONMENT)

    def feed():
        block = "".join(line + "\n" for line in different).encode()
        try:
            with process.stdin as pipe:
                for _ in range(count // len(different)):
                    pipe.write(block)
                pipe.write("".join(line + "\n" for line in different[: count % len(different)]).encode())
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    samples = []
    for index, line in enumerate(process.stdout):
        if index % 5000 == 0:
            samples.append((index, side_by_side.memory(process.pid, "VmRSS")))
        yield index, line
    feeder.join()
    if process.wait() != 0:
        sys.exit(f"graft classify ended with status {process.returncode}")
    return samples


def graft_contender():
    file = side_by_side.scratch() / "lines.txt"
    file.write_text("".join(line + "\n" for line in peer_lines), encoding="utf-8")
    command = ["sh", "-c", 'cat "$0" | "$@"', str(file), graft, "classify", directory, "--threads",
               str(options.threads)]
    return side_by_side.Contender(
        "graft, whole process", lambda: len(peer_lines) / side_by_side.run_graft(command)[0], "lines/s")


def million():
    """Runs the long stream; returns what was found and the complaints."""
    complaints = []
    expected = []

    def collect(count, check):
        records, generator = 0, stream(count)
        while True:
            try:
                index, line = next(generator)
            except StopIteration as stop:
                return records, stop.value
            records += 1
            check(index, json.loads(line))

    def remember(index, record):
        expected.append((record.get("label"), record.get("score")))

    def compare(index, record):
        if len(complaints) < 10:
            if record.get("index") != index:
                complaints.append(f"record {index} has index {record.get('index')}")
            elif (record.get("label"), record.get("score")) != expected[index % len(expected)]:
                complaints.append(f"record {index} is {record}, alone it was {expected[index % len(expected)]}")

    collect(len(different), remember)
    if len(expected) != len(different):
        sys.exit(f"graft classify wrote {len(expected)} records for {len(different)} lines")
    started = time.perf_counter()
    records, samples = collect(options.lines, compare)
    seconds = time.perf_counter() - started
    if records != options.lines:
        complaints.append(f"{records} records for {options.lines} lines")
    samples = [(index, memory) for index, memory in samples if memory is not None]
    halves = [[memory for index, memory in samples if low <= index < high]
              for low, high in ((0, options.lines // 2), (options.lines // 2, options.lines))]
    highest = [round(max(half)) for half in halves if half]
    if len(highest) == 2 and highest[1] > 1.1 * highest[0]:
        complaints.append(f"memory grew: highest {highest[0]} MB in the first half, {highest[1]} MB in the second")
    return {"lines": options.lines, "seconds": round(seconds, 1), "linesPerSecond": round(options.lines / seconds),
            "highestMemoryMBByHalf": highest,
            "medianMemoryMB": round(statistics.median(memory for _, memory in samples)) if samples else None,
            "orderAndScores": not complaints}, complaints


contenders = [] if options.no_peers else [pipeline_contender(), onnxruntime_contender()]
if graft:
    contenders.append(graft_contender())
side_by_side.alternate(contenders, options.rounds)
found, complaints = million() if graft else ({}, [])
side_by_side.report("stream of short lines", contenders, reference="onnxruntime", peerLines=len(peer_lines),
                    threads=options.threads, **({"stream": found} if found else {}))
for complaint in complaints:
    print(complaint, file=sys.stderr)
sys.exit(1 if complaints else 0)
