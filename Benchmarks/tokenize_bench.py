"""Times this project's tokenizers and Hugging Face's in turn, on one thread and two.

usage: python tokenize_bench.py TOKENIZER_JSON TEXT [REPEAT] [ROUNDS]

Prints the median of the rounds: HF's encode_batch, ours with offsets, ours with ids only, and the ratios. The
benchmark program is built by `swift build -c release --package-path Benchmarks`. Where TOKENIZER_JSON's directory has
a model of the same name ending in .model, libsentencepiece's encoder is timed too.
"""
import os
import statistics
import subprocess
import sys

program = os.path.join(os.path.dirname(os.path.abspath(__file__)), ".build/release/TokenizeBenchmark")
path, text = sys.argv[1:3]
repeat = int(sys.argv[3]) if len(sys.argv) > 3 else 5
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5

PEER = """
import sys, time
from tokenizers import Tokenizer
t = Tokenizer.from_file(sys.argv[1]); t.no_padding(); t.no_truncation()
lines = [l.rstrip("\\n") for l in open(sys.argv[2], encoding="utf-8") if l.rstrip("\\n")] * int(sys.argv[3])
t.encode_batch(lines[:1000])
best = []
for _ in range(2):
    s = time.perf_counter(); e = t.encode_batch(lines); best.append(time.perf_counter() - s)
    n = sum(len(x.ids) for x in e); del e
print(min(best), n)
"""
SENTENCEPIECE = """
import sys, time, sentencepiece
t = sentencepiece.SentencePieceProcessor(model_file=sys.argv[1])
lines = [l.rstrip("\\n") for l in open(sys.argv[2], encoding="utf-8") if l.rstrip("\\n")] * int(sys.argv[3])
t.encode(lines[:1000], num_threads=1)
best = []
for _ in range(2):
    s = time.perf_counter(); e = t.encode(lines, num_threads=int(sys.argv[4])); best.append(time.perf_counter() - s)
print(min(best), sum(map(len, e)))
"""


def run(command, **environment):
    output = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return [float(x) for x in output.stdout.split()]


for threads in (1, 2):
    peer, ours, lib = [], [], []
    model = os.path.splitext(path)[0] + ".model"
    for _ in range(rounds):
        peer.append(run([sys.executable, "-c", PEER, path, text, str(repeat)],
                        RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true" if threads > 1 else "false"))
        ours.append(run([program, "bench", path, text, str(repeat), str(threads)]))
        if os.path.exists(model):
            lib.append(run([sys.executable, "-c", SENTENCEPIECE, model, text, str(repeat), str(threads)]))
    tokens = ours[0][2]
    assert tokens == peer[0][1], (tokens, peer[0][1])
    hf = statistics.median(x[0] for x in peer)
    fast = statistics.median(x[0] for x in ours)
    full = statistics.median(x[1] for x in ours)
    print(f"{os.path.basename(path)} {os.path.basename(text)} threads={threads} tokens={tokens:.0f}: "
          f"HF {tokens/hf/1e6:.2f} M/s, ours with offsets {tokens/full/1e6:.2f} M/s ({hf/full:.1f}x), "
          f"ids only {tokens/fast/1e6:.2f} M/s ({hf/fast:.1f}x)"
          + (f", libsentencepiece {lib[0][1]/statistics.median(x[0] for x in lib)/1e6:.2f} M/s "
             f"({statistics.median(x[0] for x in lib)/fast:.1f}x)" if lib else ""), flush=True)
