"""Writes sentences/: what sentence-transformers' losses, evaluators and training say.

usage: generate_sentences.py        (from anywhere; run generate_modules.py first)

losses.json holds, for made-up vectors, the value of every loss and its gradient by the vectors. training.json holds the
losses of ten AdamW steps of the tiny models modules/modes and modules/without-prompt on made-up sentences, in eval mode,
that is without dropout, with the gradient norms and the vectors after the last step. evaluation.json holds the numbers of
the evaluators for made-up vectors.
"""

import random

import golden
import numpy
import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import evaluation, losses
from sentence_transformers.sentence_transformer.losses.batch_hard_triplet import BatchHardTripletLossDistanceFunction

DIRECTORY = golden.HERE / "sentences"
STEPS, RATE, BATCH = 10, 2e-3, 6
COSINE = BatchHardTripletLossDistanceFunction.cosine_distance


def cases(model, size, seed):
    """Each loss by name: the module, how many columns of texts it takes, and the kind of its labels."""
    torch.manual_seed(seed)
    ranking = lambda **options: losses.MultipleNegativesRankingLoss(model, **options)
    both = dict(directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")
    metric = losses.TripletDistanceMetric
    return {
        "mnr": (ranking(), 2, None),
        "mnr-negatives": (ranking(), 4, None),
        "mnr-symmetric": (ranking(scale=10.0, **both), 3, None),
        "cosent": (losses.CoSENTLoss(model), 2, "scores"),
        "angle": (losses.AnglELoss(model), 2, "scores"),
        "angle-tuples": (losses.AnglELoss(model), 4, None),
        "cosine": (losses.CosineSimilarityLoss(model), 2, "scores"),
        "contrastive": (losses.ContrastiveLoss(model), 2, "binary"),
        "contrastive-online": (losses.OnlineContrastiveLoss(model), 2, "binary"),
        "triplet": (losses.TripletLoss(model), 3, None),
        "triplet-manhattan": (losses.TripletLoss(model, metric.MANHATTAN, 0.5), 3, None),
        "triplet-cosine": (losses.TripletLoss(model, metric.COSINE, 0.3), 3, None),
        "batch-all": (losses.BatchAllTripletLoss(model, margin=1.0), 1, "classes"),
        "batch-hard": (losses.BatchHardTripletLoss(model), 1, "classes"),
        "batch-hard-cosine": (losses.BatchHardTripletLoss(model, COSINE, 0.2), 1, "classes"),
        "batch-hard-soft-margin": (losses.BatchHardSoftMarginTripletLoss(model), 1, "classes"),
        "batch-semi-hard": (losses.BatchSemiHardTripletLoss(model, margin=1.0), 1, "classes"),
        "softmax": (losses.SoftmaxLoss(model, size, 3), 2, "classes"),
        "distill": (losses.MSELoss(model), 1, "vectors"),
        "margin-distill": (losses.MarginMSELoss(model), 3, "scores"),
    }


def labels_of(kind, count, size, generator):
    if kind == "scores":
        return torch.tensor([round(generator.random(), 2) for _ in range(count - 1)] + [0.5])
    if kind == "binary":
        return torch.tensor([float(i % 2) for i in range(count)])
    if kind == "classes":
        return torch.tensor([(i * 2) % 3 for i in range(count)])
    if kind == "vectors":
        return torch.tensor([[generator.uniform(-1, 1) for _ in range(size)] for _ in range(count)])
    return None


class NoModel(torch.nn.Module):
    device = torch.device("cpu")


def loss_cases():
    generator = random.Random(5)
    size, count, result = 7, 8, {}
    torch.manual_seed(3)
    columns = [torch.randn(count, size) for _ in range(4)]
    columns[1] = 0.6 * columns[1] + 0.6 * columns[0]
    for name, (loss, number, kind) in cases(NoModel(), size, 11).items():
        labels = labels_of(kind, count, size, generator)
        vectors = [column.clone().requires_grad_() for column in columns[:number]]
        if name == "softmax":  # takes no vectors: its classifier on (u, v, |u - v|)
            features = torch.cat([vectors[0], vectors[1], (vectors[0] - vectors[1]).abs()], 1)
            value = torch.nn.functional.cross_entropy(loss.classifier(features), labels)
        else:
            value = loss.compute_loss_from_embeddings(vectors, [labels] if kind == "vectors" else labels)
        value.backward()
        entry = {"loss": value.item(), "columns": number,
                 "labels": None if labels is None else labels.tolist(),
                 "gradients": [v.grad.flatten().tolist() for v in vectors]}
        if name == "softmax":
            entry["weight"] = loss.classifier.weight.flatten().tolist()
            entry["bias"] = loss.classifier.bias.tolist()
            entry["weightGradient"] = loss.classifier.weight.grad.flatten().tolist()
            entry["biasGradient"] = loss.classifier.bias.grad.tolist()
        result[name] = entry
    return {"size": size, "vectors": [column.flatten().tolist() for column in columns], "losses": result}


def sentence(generator):
    words = "the film good bad fine dull was plot warm cold not very . , !".split()
    return " ".join(generator.choice(words) for _ in range(generator.randint(1, 9)))


def train(model, loss, batches, prompt):
    model.eval()
    loss.eval()
    parameters = [p for p in loss.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0)
    values, norms = [], []
    for columns, labels in batches:
        features = [model.tokenize([prompt + text for text in column]) for column in columns]
        value = loss(features, labels)
        optimizer.zero_grad()
        value.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, 1.0)))
        values.append(value.item())
        optimizer.step()
    return values, norms


def training_cases():
    result = {}
    for name, prompt in (("modes", "passage: "), ("without-prompt", "")):
        size = {"modes": 10, "without-prompt": 9}[name]
        runs = {}
        wanted = list(cases(NoModel(), size, 13)) + ["mnr-matryoshka", "mnr-cached"]
        if name == "without-prompt":
            wanted = ["mnr", "batch-hard-cosine"]
        for key in wanted:
            generator = random.Random(key)
            model = SentenceTransformer(str(golden.HERE / "modules" / name), device="cpu")
            if key == "mnr-matryoshka":
                inner = losses.MultipleNegativesRankingLoss(model)
                loss, number, kind = losses.MatryoshkaLoss(model, inner, [10, 6, 3], [1, 0.5, 2]), 2, None
            elif key == "mnr-cached":
                loss, number, kind = losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=2), 2, None
            else:
                loss, number, kind = cases(model, size, 13)[key]
            batches = []
            for _ in range(STEPS):
                columns = [[sentence(generator) for _ in range(BATCH)] for _ in range(number)]
                batches.append((columns, labels_of(kind, BATCH, size, generator)))
            extra = {}
            if key == "softmax":
                extra = {"weight": loss.classifier.weight.flatten().tolist(), "bias": loss.classifier.bias.tolist()}
            values, norms = train(model, loss, batches, prompt)
            texts = batches[0][0][0]
            vectors = model.encode(texts)
            runs[key] = {
                **extra, "batches": [{"columns": c, "labels": None if l is None else l.tolist()} for c, l in batches],
                "losses": values, "gradientNorms": norms, "texts": texts,
                "vectors": vectors.flatten().tolist()}
            print(f"{name} {key}: {values[0]:.4f} … {values[-1]:.4f}")
        result[name] = runs
    return {"learningRate": RATE, "models": result}


class Given:
    """A model whose vectors are given."""

    similarity_fn_name = None
    model_card_data = type("Card", (), {"set_evaluation_metrics": lambda *a, **k: None})()

    def __init__(self, table):
        self.table = table

    def encode(self, sentences, **options):
        vectors = torch.stack([self.table[s] for s in sentences])
        return vectors if options.get("convert_to_tensor") else vectors.numpy()

    encode_query = encode_document = encode


def evaluation_cases():
    torch.manual_seed(17)
    size, count = 6, 24
    generator = random.Random(19)
    names = ["cosine", "dot", "euclidean", "manhattan"]
    a, noise = torch.randn(count, size), torch.randn(count, size)
    scores = [round(generator.random() * 5, 1) for _ in range(count)]
    b = torch.stack([s / 5 * x + (1 - s / 5) * n for s, x, n in zip(scores, a, noise)])
    c = torch.randn(count, size)
    table = {f"{n}{i}": v for n, column in (("a", a), ("b", b), ("c", c)) for i, v in enumerate(column)}
    model = Given(table)
    keys = lambda n: [f"{n}{i}" for i in range(count)]
    binary = [int(s > 2.5) for s in scores]
    similarity = evaluation.EmbeddingSimilarityEvaluator(
        keys("a"), keys("b"), scores, similarity_fn_names=names, write_csv=False)(model)
    pairs = evaluation.BinaryClassificationEvaluator(
        keys("a"), keys("b"), binary, similarity_fn_names=names, write_csv=False)(model)
    triplets = evaluation.TripletEvaluator(
        keys("a"), keys("b"), keys("c"), similarity_fn_names=names, write_csv=False)(model)
    corpus = {f"b{i}": f"b{i}" for i in range(count)} | {f"c{i}": f"c{i}" for i in range(count)}
    relevant = {f"a{i}": {f"b{i}"} | {f"c{generator.randrange(count)}" for _ in range(i % 3)} for i in range(count)}
    retrieval = evaluation.InformationRetrievalEvaluator(
        {f"a{i}": f"a{i}" for i in range(count)}, corpus, relevant, write_csv=False, show_progress_bar=False,
        score_functions={"cosine": sentence_transformers.util.cos_sim})(model)
    floats = lambda values: {key: float(value) for key, value in values.items()}
    return {
        "size": size, "a": a.flatten().tolist(), "b": b.flatten().tolist(), "c": c.flatten().tolist(),
        "scores": scores, "binary": binary,
        "relevant": [sorted(int(d[1:]) + (count if d[0] == "c" else 0) for d in relevant[f"a{i}"])
                     for i in range(count)],
        "similarity": floats(similarity), "pairs": floats(pairs), "triplets": floats(triplets),
        "retrieval": floats(retrieval)}


def main():
    DIRECTORY.mkdir(exist_ok=True)
    head = {"generator": "generate_sentences.py", "versions": golden.versions(sentence_transformers)}
    for name, make in (("losses", loss_cases), ("evaluation", evaluation_cases), ("training", training_cases)):
        golden.write_json(DIRECTORY / f"{name}.json", {**head, **make()})


if __name__ == "__main__":
    main()
