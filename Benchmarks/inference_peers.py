"""The peers of inference.py: one encoder in a process of its own, which times itself.

usage: inference_peers.py NAME MODEL_DIR --threads N [--max-length 512] [--work DIR]        serve requests
       inference_peers.py NAME MODEL_DIR --threads N --once TEXT                            one vector, then the end

NAME is one of PEERS. Served requests are lines of JSON on standard input, and so are the answers:
{"texts": FILE, "batch": 32, "save": FILE.npy or null}  ->  {"seconds": ..., "peakMB": ...}
{"latency": 50, "text": TEXT}                           ->  {"milliseconds": [...]}
Files made once (ONNX, quantized and converted models) stay in --work.
"""

import argparse
import os
import sys
import time

PEERS = {
    "f32": ["sentence-transformers-f32", "torch-f32", "onnxruntime-f32", "openvino-f32", "ctranslate2-f32"],
    "bf16": ["sentence-transformers-bf16", "torch-bf16", "openvino-bf16", "ctranslate2-bf16"],
    "int8": ["onnxruntime-int8", "openvino-int8", "ctranslate2-int8"],
}


def load_tokenizer(options):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(options.model + "/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(options.max_length)
    return tokenizer


def padded_encoder(options, encode):
    """`encode` takes ids and mask and returns hidden states, all numpy. The result takes texts, sorts them by length,
    and returns vectors: the mean over tokens, scaled to length 1."""
    import numpy

    from side_by_side import padded_batches

    tokenizer = load_tokenizer(options)

    def embed(texts, batch):
        sequences = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        output = None
        for indices, ids, mask in padded_batches(sequences, batch):
            weights = mask[:, :, None].astype(numpy.float32)
            pooled = (encode(ids, mask) * weights).sum(1) / weights.sum(1)
            if output is None:
                output = numpy.empty((len(texts), pooled.shape[1]), numpy.float32)
            output[indices] = pooled / numpy.linalg.norm(pooled, axis=1, keepdims=True)
        return output

    return embed


def torch_encoder(options, precision):
    import torch
    from transformers import AutoModel

    torch.set_num_threads(options.threads)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    model = AutoModel.from_pretrained(options.model, attn_implementation="sdpa", dtype=dtype).eval()

    def encode(ids, mask):
        with torch.inference_mode():
            output = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
            return output.last_hidden_state.float().numpy()

    return padded_encoder(options, encode)


def sentence_transformers_encoder(options, precision):
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(options.threads)
    model = SentenceTransformer(options.model, device="cpu")
    model.max_seq_length = options.max_length
    if precision == "bf16":
        model = model.bfloat16()

    def embed(texts, batch):
        # Half-precision tensors have no numpy form.
        vectors = model.encode(texts, batch_size=batch, normalize_embeddings=True, show_progress_bar=False,
                               convert_to_tensor=True)
        return vectors.float().numpy()

    return embed


def onnx_file(options):
    import side_by_side

    path = options.work / f"encoder-{side_by_side.key_of(options.model)}.onnx"
    if not path.exists():
        import torch
        from transformers import AutoModel

        class Encoder(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = AutoModel.from_pretrained(options.model, attn_implementation="eager")

            def forward(self, input_ids, attention_mask):
                return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

        side_by_side.export_onnx(Encoder(), path, "last_hidden_state")
    return path


def onnxruntime_file(options, precision):
    path = onnx_file(options)
    if precision == "f32":
        return path
    quantized = path.with_suffix(".int8.onnx")
    if not quantized.exists():
        from onnxruntime.quantization import QuantType, quantize_dynamic

        partial = path.with_suffix(".int8.partial")
        quantize_dynamic(str(path), str(partial), weight_type=QuantType.QInt8)
        partial.rename(quantized)
    return quantized


def onnxruntime_encoder(options, precision):
    path = onnxruntime_file(options, precision)
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    return padded_encoder(
        options, lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0])


def openvino_file(options, precision):
    """For int8: weights and activations quantized by NNCF with 300 calibration texts (the file `calibration.txt`)."""
    path = onnx_file(options)
    if precision != "int8":
        return path
    quantized = path.with_suffix(".openvino-int8.xml")
    if not quantized.exists():
        import nncf
        import numpy
        import openvino

        tokenizer = load_tokenizer(options)
        with open(options.work / "calibration.txt", encoding="utf-8") as file:
            texts = file.read().split("\n")[:300]

        def inputs(text):
            ids = numpy.array([tokenizer.encode(text).ids])
            return {"input_ids": ids, "attention_mask": numpy.ones_like(ids)}

        model = nncf.quantize(openvino.Core().read_model(path), nncf.Dataset(texts, inputs),
                              model_type=nncf.ModelType.TRANSFORMER, subset_size=len(texts))
        openvino.save_model(model, quantized, compress_to_fp16=False)
    return quantized


def openvino_encoder(options, precision):
    path = openvino_file(options, precision)
    import openvino

    model = openvino.Core().compile_model(str(path), "CPU", {
        "INFERENCE_NUM_THREADS": str(options.threads), "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"})
    request = model.create_infer_request()
    return padded_encoder(
        options, lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask})[model.output(0)])


def ctranslate2_directory(options, precision):
    import side_by_side

    directory = options.work / f"ctranslate2-{side_by_side.key_of(options.model)}"
    if not directory.exists():
        import ctranslate2

        partial = directory.with_suffix(".partial")
        ctranslate2.converters.TransformersConverter(options.model).convert(str(partial), force=True)
        partial.rename(directory)
    return directory


def ctranslate2_encoder(options, precision):
    directory = ctranslate2_directory(options, precision)
    import ctranslate2
    import numpy

    encoder = ctranslate2.Encoder(
        str(directory), device="cpu", intra_threads=options.threads, inter_threads=1,
        compute_type={"f32": "float32", "bf16": "bfloat16", "int8": "int8"}[precision])

    def encode(ids, mask):
        lengths = mask.sum(1).tolist()
        output = encoder.forward_batch([row[:length].tolist() for row, length in zip(ids, lengths)])
        hidden = output.last_hidden_state
        if precision == "bf16":
            hidden = hidden.to(ctranslate2.DataType.float32)
        return numpy.array(hidden)

    return padded_encoder(options, encode)


ENCODERS = {"sentence-transformers": sentence_transformers_encoder, "torch": torch_encoder,
            "onnxruntime": onnxruntime_encoder, "openvino": openvino_encoder, "ctranslate2": ctranslate2_encoder}


def serve(embed, answers):
    import json

    import numpy

    import side_by_side

    def answer(record):
        answers.write(json.dumps(record) + "\n")
        answers.flush()

    answer({"ready": True})
    texts = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "latency" in request:
            times = []
            for _ in range(request["latency"]):
                started = time.perf_counter()
                embed([request["text"]], 1)
                times.append(1000 * (time.perf_counter() - started))
            answer({"milliseconds": times})
            continue
        path = request["texts"]
        if path not in texts:
            with open(path, encoding="utf-8") as file:
                texts[path] = file.read().split("\n")[:-1]
        started = time.perf_counter()
        vectors = embed(texts[path], request["batch"])
        seconds = time.perf_counter() - started
        if request.get("save"):
            numpy.save(request["save"], vectors)
        answer({"seconds": seconds, "peakMB": side_by_side.memory("self", "VmHWM")})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=[name for names in PEERS.values() for name in names])
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--work")
    parser.add_argument("--once")
    options = parser.parse_args()
    # Before numpy and torch read them; a benchmark's own helpers are as cheap to import as the standard library.
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(options.threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if options.threads > 1 else "false"
    os.environ["HF_HUB_OFFLINE"] = "1"
    from pathlib import Path

    if options.work:
        options.work = Path(options.work)
    else:
        import side_by_side

        options.work = side_by_side.scratch()
    # Libraries write to standard output as they please; answers keep it for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    engine, _, precision = options.name.rpartition("-")
    embed = ENCODERS[engine](options, precision)
    if options.once is not None:
        answers.write(f"{float(embed([options.once], 1)[0][0]):.6f}\n")
        answers.flush()
        return
    serve(embed, answers)


if __name__ == "__main__":
    main()
