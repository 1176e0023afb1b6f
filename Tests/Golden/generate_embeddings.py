"""Writes minilm-embeddings: all-MiniLM-L6-v2's sentence vectors for corpora/sentences-200.txt, by torch float32.

usage: generate_embeddings.py MODEL_DIR

Each sentence runs alone, so there is no padding: tokenizer with truncation to 256 tokens, transformers' BertModel,
mean over all tokens (special ones included), division by the Euclidean norm. sentence-transformers' own encode must
give the same within 1e-6, or nothing is written.
"""

import sys

import golden
import numpy
import sentence_transformers
import tokenizers
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer


def main(model_directory):
    path = golden.ROOT / "corpora/sentences-200.txt"
    sentences = path.read_text(encoding="utf-8").split("\n")[:-1]
    tokenizer = AutoTokenizer.from_pretrained(model_directory)
    model = AutoModel.from_pretrained(model_directory, attn_implementation="eager").eval()
    vectors, counts, ids = [], [], []
    with torch.inference_mode():
        for sentence in sentences:
            encoding = tokenizer(sentence, truncation=True, max_length=256, return_tensors="pt")
            hidden = model(**encoding).last_hidden_state[0]
            vectors.append(torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy())
            counts.append(len(hidden))
            ids.append(encoding["input_ids"][0].tolist())
    vectors = numpy.stack(vectors).astype("<f4")

    peer = SentenceTransformer(str(model_directory), device="cpu")
    assert peer.max_seq_length == 256
    encoded = numpy.concatenate([peer.encode([s], normalize_embeddings=True) for s in sentences])
    difference = float(abs(encoded - vectors).max())
    batched = float(abs(peer.encode(sentences, batch_size=32) - vectors).max())
    assert difference < 1e-6, f"sentence-transformers' vectors differ by {difference}"

    model.double()
    with torch.inference_mode():
        exact = [model(input_ids=torch.tensor([row])).last_hidden_state[0].mean(0) for row in ids]
    exact = torch.nn.functional.normalize(torch.stack(exact), dim=1).numpy()

    directory = golden.HERE / "minilm-embeddings"
    directory.mkdir(exist_ok=True)
    numpy.save(directory / "vectors.npy", vectors)
    golden.write_json(directory / "expected.json", {
        "generator": "generate_embeddings.py", "versions": golden.versions(sentence_transformers, tokenizers),
        "checkpoint": "all-MiniLM-L6-v2", "modelSHA256": golden.sha256(f"{model_directory}/model.safetensors"),
        "tokenizerSHA256": golden.sha256(f"{model_directory}/tokenizer.json"),
        "sentences": "corpora/sentences-200.txt", "sentencesSHA256": golden.sha256(path),
        "largestDifferences": {"sentenceTransformersAlone": difference, "sentenceTransformersBatchOf32": batched,
                               "float64": float(abs(exact - vectors).max())},
        "tokenCounts": counts, "ids": ids})
    print(f"{vectors.shape}, sentence-transformers differs by {difference:.1e} alone, {batched:.1e} in batches of 32; "
          f"float64 by {abs(exact - vectors).max():.1e}")


if __name__ == "__main__":
    main(sys.argv[1])
