"""Sentences embedded per second: graft beside torch, sentence-transformers, ONNX Runtime and OpenVINO, all in f32.

usage: embed.py MODEL_DIR [--texts FILE] [--sentences 2000] [--peers torch,sentence-transformers,onnxruntime,openvino]
                [--threads 2] [--rounds 5] [--graft PATH] [--no-graft] [--no-peers]

The texts are the first lines of the movie reviews' train.tsv. Peers hold the model in memory; their time spans
tokenizing, the encoder and pooling. torch, ONNX Runtime and OpenVINO get batches of 32 sorted by length, which is
more than their users usually do; sentence-transformers does its own sorting. graft is timed as a whole process,
`graft embed MODEL --format npy < texts`, and again less its start-up, which is the median time of embedding one
line. Vectors are compared with torch's.
"""

import statistics
import time

import side_by_side

parser = side_by_side.arguments(__doc__, rounds=5)
parser.add_argument("model")
parser.add_argument("--texts", help="one text per line, instead of the movie reviews")
parser.add_argument("--sentences", type=int, default=2000)
parser.add_argument("--peers", default="torch,sentence-transformers,onnxruntime,openvino")
parser.add_argument("--batch-size", type=int, default=32)
options = parser.parse_args()
graft = side_by_side.graft_path(options)
side_by_side.prepare_peers(options.threads)

import numpy

peers = [] if options.no_peers else options.peers.split(",")
if options.texts:
    with open(options.texts, encoding="utf-8") as file:
        texts = file.read().split("\n")[:-1]
else:
    texts, _ = side_by_side.read_tsv(side_by_side.corpus() / "train.tsv")
texts = texts[: options.sentences]
vectors = {}


def load_tokenizer():
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(options.model + "/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    return tokenizer


def encoder_contender(name, encode):
    """`encode` takes ids and mask and returns hidden states, all numpy."""
    tokenizer = load_tokenizer()

    def measure():
        started = time.perf_counter()
        sequences = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        output = None
        for indices, ids, mask in side_by_side.padded_batches(sequences, options.batch_size):
            weights = mask[:, :, None].astype(numpy.float32)
            pooled = (encode(ids, mask) * weights).sum(1) / weights.sum(1)
            if output is None:
                output = numpy.empty((len(texts), pooled.shape[1]), numpy.float32)
            output[indices] = pooled / numpy.linalg.norm(pooled, axis=1, keepdims=True)
        seconds = time.perf_counter() - started
        vectors[name] = output
        return len(texts) / seconds

    return side_by_side.Contender(name, measure, "sentences/s")


def load_torch_model(attention):
    import torch
    from transformers import AutoModel

    torch.set_num_threads(options.threads)
    return AutoModel.from_pretrained(options.model, attn_implementation=attention).eval()


def torch_contender():
    import torch

    model = load_torch_model("sdpa")

    def encode(ids, mask):
        with torch.inference_mode():
            return model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)
                         ).last_hidden_state.numpy()

    return encoder_contender("torch", encode)


def sentence_transformers_contender():
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(options.threads)
    model = SentenceTransformer(options.model, device="cpu")

    def measure():
        started = time.perf_counter()
        vectors["sentence-transformers"] = model.encode(
            texts, batch_size=options.batch_size, normalize_embeddings=True, show_progress_bar=False)
        return len(texts) / (time.perf_counter() - started)

    return side_by_side.Contender("sentence-transformers", measure, "sentences/s")


def onnx_path():
    path = side_by_side.scratch() / f"encoder-{side_by_side.key_of(options.model)}.onnx"
    if not path.exists():
        import torch

        class Encoder(torch.nn.Module):
            def __init__(self, model):
                super().__init__()
                self.model = model

            def forward(self, input_ids, attention_mask):
                return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

        side_by_side.export_onnx(Encoder(load_torch_model("eager")), path, "last_hidden_state")
    return str(path)


def onnxruntime_contender():
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(onnx_path(), settings, providers=["CPUExecutionProvider"])
    return encoder_contender(
        "onnxruntime", lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0])


def openvino_contender():
    import openvino

    model = openvino.Core().compile_model(onnx_path(), "CPU", {
        "INFERENCE_NUM_THREADS": str(options.threads), "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY"})
    request = model.create_infer_request()
    return encoder_contender(
        "openvino", lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask})[model.output(0)])


def graft_contender():
    directory = side_by_side.scratch()
    lines, one, output = directory / "texts.txt", directory / "one.txt", directory / "vectors.npy"
    lines.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    one.write_text(texts[0] + "\n", encoding="utf-8")
    command = [graft, "embed", options.model, "--format", "npy", "--threads", str(options.threads)]
    startups, memory = [], []

    def measure():
        startups.append(side_by_side.run_graft(command, one, output)[0])
        seconds, _, peak = side_by_side.run_graft(command, lines, output)
        memory.append(peak)
        vectors["graft"] = numpy.load(output)
        return len(texts) / seconds

    return side_by_side.Contender("graft, whole process", measure, "sentences/s"), startups, memory


makers = {"torch": torch_contender, "sentence-transformers": sentence_transformers_contender,
          "onnxruntime": onnxruntime_contender, "openvino": openvino_contender}
contenders = [makers[name]() for name in peers]
extra = {"sentences": len(texts),
         "tokens": sum(len(encoding.ids) for encoding in load_tokenizer().encode_batch(texts)),
         "threads": options.threads}
if graft:
    whole, startups, memory = graft_contender()
    contenders.append(whole)
side_by_side.alternate(contenders, options.rounds)
if graft:
    startup = statistics.median(startups[1:])  # the first is the warm-up
    net = side_by_side.Contender("graft, less start-up", None, "sentences/s")
    net.values = [len(texts) / (len(texts) / value - startup) for value in whole.values]
    contenders.append(net)
    extra |= {"graftStartUpMs": round(1000 * startup, 1), "graftPeakMemoryMB": round(max(memory))}
if "torch" in vectors:
    extra["largestDifferenceFromTorch"] = {
        name: float(f"{abs(value - vectors['torch']).max():.2e}") for name, value in vectors.items() if name != "torch"}
side_by_side.report("embed", contenders, reference="onnxruntime", **extra)
