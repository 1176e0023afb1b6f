"""What sentence-transformers makes of small sets of vectors: quantization, search, communities and paraphrases.

    python Tests/Golden/generate_search.py
"""

import numpy
import sentence_transformers
import torch
from sentence_transformers import util

import golden

DIRECTORY = golden.HERE / "search"
SIZE = 21


def clusters(random):
    """Vectors around a few centres, and some alone; no two scores are close to each other or to a threshold."""
    centres = random.standard_normal((5, SIZE))
    sizes = [17, 12, 11, 6, 4]
    rows = [centre + 0.35 * random.standard_normal(SIZE) for centre, count in zip(centres, sizes) for _ in range(count)]
    rows += [2 * random.standard_normal(SIZE) for _ in range(14)]
    rows = numpy.array(rows, dtype=numpy.float32)
    return rows[random.permutation(len(rows))]


def rounded(vectors):
    """Values that their decimal texts give back."""
    return numpy.array([[float(f"{value:.4f}") for value in row] for row in vectors], dtype=numpy.float32)


def main():
    DIRECTORY.mkdir(exist_ok=True)
    random = numpy.random.default_rng(7)
    vectors, queries = rounded(clusters(random)), rounded(random.standard_normal((5, SIZE)))
    # A dimension without a range, and values beyond the ranges.
    calibration = rounded(random.standard_normal((40, SIZE)))
    calibration[:, 3] = 0.25
    quantized = {
        precision: util.quantize_embeddings(
            vectors, precision, calibration_embeddings=calibration if precision.endswith("int8") else None).tolist()
        for precision in ("int8", "uint8", "binary", "ubinary")
    }
    own_ranges = util.quantize_embeddings(vectors, "uint8").tolist()
    x, q = torch.from_numpy(vectors), torch.from_numpy(queries)
    hits = {
        name: util.semantic_search(q, x, top_k=7, score_function=function)
        for name, function in (("cosine", util.cos_sim), ("dot", util.dot_score), ("euclidean", util.euclidean_sim))
    }
    communities = [
        {"threshold": threshold, "minSize": size, "communities": util.community_detection(x, threshold, size)}
        for threshold, size in ((0.75, 10), (0.6, 4), (0.9, 2), (0.2, 3))
    ]
    scores = util.cos_sim(x, x).numpy()
    for entry in communities:
        assert numpy.abs(scores - entry["threshold"]).min() > 1e-5
    assert numpy.diff(numpy.unique(scores[numpy.triu_indices(len(scores), 1)])).min() > 1e-9
    pairs = {
        f"{top_k}-{count}": util.paraphrase_mining_embeddings(x, top_k=top_k, max_pairs=count)
        for top_k, count in ((100, 500000), (3, 40), (1, 20))
    }
    golden.write_json(DIRECTORY / "expected.json", {
        "generator": "generate_search.py", "versions": golden.versions(sentence_transformers),
        "vectors": vectors.tolist(), "queries": queries.tolist(), "calibration": calibration.tolist(),
        "quantized": quantized, "quantizedByOwnRanges": own_ranges,
        "hits": {name: [[[hit["corpus_id"], hit["score"]] for hit in row] for row in rows] for name, rows in hits.items()},
        "communities": communities, "pairs": {key: value[:200] for key, value in pairs.items()},
    })


if __name__ == "__main__":
    main()
