"""Exact and approximate search beside faiss and hnswlib, on the same vectors in one run.

usage: search.py [--vectors FILE.npy] [--queries FILE.npy] [--count 100000] [--size 384] [--exact-count 1000000]

Without --vectors they are synthetic: Gaussians around 1,000 centres, of length 1. Real ones:
    graft embed all-MiniLM-L6-v2 texts.txt --format npy --output vectors.npy
Queries are 1,000 of the same source that are not in the index. Exact search runs over --exact-count synthetic vectors, and
its time for one query is compared with that of a plain sum over the same memory. Recall is that of the ten nearest.
graft's times of queries are its own (graft search --bench), those of building are of whole processes. Needs faiss-cpu and
hnswlib; the last line is the table as JSON.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

THREADS = os.cpu_count()
TOP = 10
M, EF_CONSTRUCTION = 16, 200


def synthetic(count, size, seed):
    import numpy

    random = numpy.random.default_rng(seed)
    centres = numpy.random.default_rng(1).standard_normal((1000, size), dtype=numpy.float32)
    vectors = random.standard_normal((count, size), dtype=numpy.float32)
    vectors += centres[random.integers(0, 1000, count)]
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def seconds(body):
    start = time.perf_counter()
    result = body()
    return time.perf_counter() - start, result


def median_of(rounds, body):
    return statistics.median(seconds(body)[0] for _ in range(rounds))


def graft(options, *arguments):
    result = subprocess.run([options.graft, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"graft {arguments[0]}: {result.stderr.strip()}")
    return result.stdout


def graft_rows(options, index, queries, *arguments):
    lines = graft(options, "search", index, queries, "--top-k", TOP, *arguments).splitlines()
    return [[hit["row"] for hit in json.loads(line)["hits"]] for line in lines]


def recall(found, truth):
    return sum(len(set(a) & set(b)) for a, b in zip(found, truth)) / sum(len(row) for row in truth)


def exact(options, folder):
    import faiss
    import numpy

    vectors, queries = synthetic(options.exact_count, options.size, 2), synthetic(1000, options.size, 3)
    numpy.save(folder / "x.npy", vectors)
    numpy.save(folder / "q.npy", queries)
    flat = faiss.IndexFlatIP(options.size)
    flat.add(vectors)
    truth = flat.search(queries[:200], TOP)[1]
    single = median_of(15, lambda: flat.search(queries[:1], TOP))
    batch = median_of(3, lambda: flat.search(queries, TOP))
    rows = [{"system": "faiss IndexFlatIP", "millisecondsPerQuery": 1000 * single, "queriesPerSecond": 1000 / batch}]
    del flat, vectors
    for codes in (None, "int8", "binary"):
        index = folder / f"exact-{codes}"
        graft(options, "index", "-", index, "--vectors", folder / "x.npy", *(["--quantize", codes] if codes else []))
        (folder / "few.npy").unlink(missing_ok=True)
        numpy.save(folder / "few.npy", queries[:200])
        for rescore in {None: [None], "int8": [4], "binary": [4, 16]}[codes]:
            choice = ["--rescore", rescore] if rescore else []
            row = json.loads(graft(options, "search", index, folder / "q.npy", "--bench", *choice))
            row["recall"] = recall(graft_rows(options, index, folder / "few.npy", *choice), truth)
            rows.append({"system": f"graft {codes or 'f32'}{f' rescore {rescore}' if rescore else ''}", **row})
        shutil.rmtree(index)
    return rows


def approximate(options, folder):
    import faiss
    import hnswlib
    import numpy

    if options.vectors:
        vectors = numpy.load(options.vectors).astype(numpy.float32)
        queries = numpy.load(options.queries).astype(numpy.float32) if options.queries else vectors[-1000:]
        vectors = vectors[: options.count] if options.queries else vectors[:-1000][: options.count]
    else:
        vectors, queries = synthetic(options.count, options.size, 4), synthetic(1000, options.size, 5)
    numpy.save(folder / "x.npy", vectors)
    numpy.save(folder / "q.npy", queries)
    size = vectors.shape[1]
    flat = faiss.IndexFlatIP(size)
    flat.add(vectors)
    truth = flat.search(queries, TOP)[1].tolist()
    rows = []

    def measure(name, build, search):
        for ef in options.ef:
            found = search(queries, ef)
            rows.append({
                "system": name, "buildSeconds": build, "ef": ef, "recall": recall(found.tolist(), truth),
                "millisecondsPerQuery": 1000 * statistics.median(
                    median_of(3, lambda: search(queries[i:i + 1], ef)) for i in range(32)),
                "queriesPerSecond": len(queries) / median_of(3, lambda: search(queries, ef)),
            })

    other = hnswlib.Index(space="ip", dim=size)
    other.init_index(len(vectors), ef_construction=EF_CONSTRUCTION, M=M)
    other.set_num_threads(THREADS)
    build, _ = seconds(lambda: other.add_items(vectors))

    def search_hnswlib(rows, ef):
        other.set_ef(ef)
        return other.knn_query(rows, k=TOP)[0]

    measure("hnswlib", build, search_hnswlib)
    graph = faiss.IndexHNSWFlat(size, M, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = EF_CONSTRUCTION
    build, _ = seconds(lambda: graph.add(vectors))

    def search_faiss(rows, ef):
        graph.hnsw.efSearch = ef
        return graph.search(rows, TOP)[1]

    measure("faiss HNSW", build, search_faiss)
    index = folder / "graph"
    build, _ = seconds(lambda: graft(
        options, "index", "-", index, "--vectors", folder / "x.npy", "--graph", "--m", M, "--ef-construction",
        EF_CONSTRUCTION))
    for ef in options.ef:
        row = json.loads(graft(options, "search", index, folder / "q.npy", "--bench", "--ef", ef))
        rows.append({
            "system": "graft HNSW", "buildSeconds": build, "ef": ef,
            "recall": recall(graft_rows(options, index, folder / "q.npy", "--ef", ef), truth), **row})
    return rows


def table(rows, columns):
    for row in [dict(zip(columns, columns)), *rows]:
        cells = [row.get(column, "") for column in columns]
        print("  ".join(f"{cell:.4g}".rjust(20) if isinstance(cell, float) else str(cell).rjust(20) for cell in cells))
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graft", default=".build/release/graft")
    parser.add_argument("--vectors")
    parser.add_argument("--queries")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--exact-count", type=int, default=1_000_000)
    parser.add_argument("--ef", type=lambda text: [int(ef) for ef in text.split(",")], default=[16, 32, 64, 128])
    parser.add_argument("--only", choices=["exact", "approximate"])
    options = parser.parse_args()
    report = {"threads": THREADS}
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "exact":
            report["approximate"] = approximate(options, Path(folder))
            table(report["approximate"], [
                "system", "ef", "recall", "millisecondsPerQuery", "queriesPerSecond", "buildSeconds"])
        if options.only != "approximate":
            report["exact"] = exact(options, Path(folder))
            table(report["exact"], [
                "system", "recall", "millisecondsPerQuery", "shareOfMemorySpeed", "memoryGigabytesPerSecond",
                "queriesPerSecond"])
    print(json.dumps(report))


if __name__ == "__main__":
    main()
