"""Writes the families/NAME checkpoints, made by transformers, and what transformers computes with them.

usage: generate_families.py [NAME ...]        (from anywhere; writes beside itself; all variants without a name)

Every directory holds one tiny random checkpoint with its family's sequence-classification head (or the encoder alone where
transformers has no such head: T5's are of its token classification, whose logits count in the mean over a sequence), and
expected.safetensors: the hidden states of every layer, the logits, the loss, the gradient of every parameter and the losses of ten AdamW steps, all without dropout. Values come from a float64 run of the
float32 weights; the script checks that torch's own float32 run agrees within 1e-5.

Of families for long texts there are also the long-contexts/NAME checkpoints, encoders with a text of 1,600 tokens and some
rows of its hidden states.

JinaBERT and the layout of albert_zh are not in transformers: their references are jina_bert.py and albert_zh.py, our own. So is the scaling of GTE's rotary positions, of which
transformers takes part only in the form of its own checkpoints.
"""

import copy
import inspect
import json
import random
import shutil
import sys
import tempfile
import zlib

import albert_zh
import golden
import jina_bert
import torch
import transformers
from safetensors.torch import load_file
from transformers import get_linear_schedule_with_warmup

LABELS = ["negative", "neutral", "positive"]
STEPS, WARMUP = 10, 3


def published_nomic(config, tensors):
    """The published spelling: GPT-2's configuration keys, and another prefix."""
    renamed = {"hidden_size": "n_embd", "num_attention_heads": "n_head", "num_hidden_layers": "n_layer",
               "intermediate_size": "n_inner", "max_position_embeddings": "n_positions",
               "layer_norm_eps": "layer_norm_epsilon", "hidden_dropout_prob": "resid_pdrop",
               "attention_probs_dropout_prob": "attn_pdrop"}
    published = {renamed.get(key, key): value for key, value in config.items()}
    base = published.pop("rope_parameters")["rope_theta"]
    activation = {"silu": "swiglu", "gelu": "geglu"}[published.pop("hidden_act")]
    del published["head_dim"]
    published.update(
        activation_function=activation, rotary_emb_base=base, rotary_emb_fraction=1.0, rotary_emb_interleaved=False,
        rotary_emb_scale_base=None, rotary_scaling_factor=None, prenorm=False, parallel_block=False, causal=False,
        qkv_proj_bias=False, mlp_fc1_bias=False, mlp_fc2_bias=False, use_rms_norm=False, embd_pdrop=0.0,
        pad_vocab_size_multiple=8, vocab_size=published["vocab_size"] - 3)
    return published, {key.replace("nomic_bert.", "bert."): value for key, value in tensors.items()}


def published_gte(config, tensors):
    """The published spelling: another type, the base and the scaling of rotary positions apart, and another prefix."""
    published = dict(config, model_type="new", position_embedding_type="rope", layer_norm_type="layer_norm",
                     logn_attention_scale=False, logn_attention_clip1=False, pack_qkv=True, unpad_inputs=False,
                     use_memory_efficient_attention=False, **GTE_ROTARY)
    del published["rope_parameters"]
    return published, {key.replace("gte.", "new."): value for key, value in tensors.items()}


def published_unpacked_gte(config, tensors):
    """The same with three matrices in place of one, and without scaling."""
    published, tensors = published_gte(config, tensors)
    published.update(pack_qkv=False, rope_scaling=None, rope_theta=config["rope_parameters"]["rope_theta"])
    for key in [key for key in tensors if "qkv_proj" in key]:
        for name, part in zip("qkv", tensors.pop(key).chunk(3)):
            tensors[key.replace("qkv_proj", name + "_proj")] = part.clone()
    return published, tensors


def published_modernbert(config, tensors):
    """The spelling of transformers 4."""
    published = dict(config, global_attn_every_n_layers=2, global_rope_theta=160000.0, local_rope_theta=10000.0,
                     layer_norm_eps=1e-5, position_embedding_type="absolute")
    del published["rope_parameters"], published["layer_types"]
    return published, tensors


def published_albert_zh(config, tensors):
    """What the configuration says, and the projection of the head for masked words."""
    keys = ["attention_probs_dropout_prob", "hidden_act", "hidden_dropout_prob", "hidden_size", "embedding_size",
            "initializer_range", "intermediate_size", "max_position_embeddings", "num_attention_heads",
            "num_hidden_layers", "type_vocab_size", "vocab_size", "id2label", "label2id", "problem_type"]
    projection = tensors["bert.embeddings.word_embeddings_2.weight"].T.clone()
    return ({key: config[key] for key in keys} | {"directionality": "bidi", "ln_type": "postln"},
            tensors | {"cls.predictions.project_layer.weight": projection})


def published_ltp(config, tensors):
    """The encoder inside a model for several tasks: its configuration nested, a prefix of its own, and other heads."""
    target = {"_ltp_target_": "ltp_core.models.ltp_model.LTPModule"}
    return ({"model": target | {"backbone": {"config": config}}, "nerual": True},
            {key.replace("electra.", "backbone."): value for key, value in tensors.items()}
            | {"task_heads.cws.classifier.bias": torch.zeros(2)})


MODERN_IDS = dict(pad_token_id=0, bos_token_id=1, cls_token_id=1, eos_token_id=2, sep_token_id=2)
GTE_ROTARY = dict(rope_theta=500.0, rope_scaling={"type": "ntk", "factor": 8.0})


def scale_rotary(model):
    """Rotary positions as the published GTE code scales them (kexue.fm/archives/9706), in float32 as it does."""
    encoder = getattr(model, "gte", model)
    base, factor = GTE_ROTARY["rope_theta"], GTE_ROTARY["rope_scaling"]["factor"]
    size = model.config.hidden_size // model.config.num_attention_heads
    frequencies = 1.0 / ((base * factor) ** (torch.arange(0, size, 2).float() / size))
    encoder.rotary_emb.inv_freq = frequencies / factor ** (2 / size)


# name: (model class, configuration, options)
VARIANTS = {
    "roberta": ("RobertaForSequenceClassification", dict(
        vocab_size=53, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=21, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5), {}),
    "roberta-padding-0": ("RobertaForSequenceClassification", dict(
        vocab_size=41, hidden_size=15, num_hidden_layers=1, num_attention_heads=5, intermediate_size=17,
        max_position_embeddings=18, type_vocab_size=2, pad_token_id=0, hidden_act="relu"), {}),
    "camembert": ("CamembertForSequenceClassification", dict(
        vocab_size=47, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
        max_position_embeddings=20, type_vocab_size=1, pad_token_id=1), {}),
    "xlm-roberta": ("XLMRobertaForSequenceClassification", dict(
        vocab_size=61, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32,
        max_position_embeddings=24, type_vocab_size=1, pad_token_id=1, hidden_act="gelu_new"), {}),
    "distilbert": ("DistilBertForSequenceClassification", dict(
        vocab_size=50, dim=18, n_layers=2, n_heads=3, hidden_dim=30, max_position_embeddings=19), {}),
    "distilbert-relu": ("DistilBertForSequenceClassification", dict(
        vocab_size=37, dim=16, n_layers=3, n_heads=2, hidden_dim=20, max_position_embeddings=17, activation="relu",
        sinusoidal_pos_embds=True), {}),
    "albert": ("AlbertForSequenceClassification", dict(
        vocab_size=45, embedding_size=8, hidden_size=16, num_hidden_layers=3, num_hidden_groups=1,
        num_attention_heads=2, intermediate_size=24, max_position_embeddings=18, inner_group_num=1), {}),
    "albert-groups": ("AlbertForSequenceClassification", dict(
        vocab_size=45, embedding_size=12, hidden_size=12, num_hidden_layers=5, num_hidden_groups=2,
        num_attention_heads=3, intermediate_size=20, max_position_embeddings=18, inner_group_num=2,
        hidden_act="gelu", type_vocab_size=1), {}),
    "electra": ("ElectraForSequenceClassification", dict(
        vocab_size=44, embedding_size=10, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=24, max_position_embeddings=19), {}),
    "electra-unprojected": ("ElectraForSequenceClassification", dict(
        vocab_size=40, embedding_size=14, hidden_size=14, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=21, max_position_embeddings=17, hidden_act="silu", type_vocab_size=1), {}),
    "electra-ltp": ("ElectraForSequenceClassification", dict(
        vocab_size=41, embedding_size=9, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=20, max_position_embeddings=18), {"publish": published_ltp}),
    "albert-zh": ("AlbertZhForSequenceClassification", dict(
        vocab_size=46, embedding_size=7, hidden_size=18, num_hidden_layers=3, num_attention_heads=3,
        intermediate_size=22, max_position_embeddings=19, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0), {"publish": published_albert_zh}),
    "mpnet": ("MPNetForSequenceClassification", dict(
        vocab_size=52, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=44, relative_attention_num_buckets=32), {}),
    "mpnet-odd": ("MPNetForSequenceClassification", dict(
        vocab_size=39, hidden_size=15, num_hidden_layers=2, num_attention_heads=3, intermediate_size=19,
        max_position_embeddings=30, hidden_act="gelu_new"), {}),
    "deberta-v3": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=42, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=40, relative_attention=True, position_buckets=8, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type="p2c|c2p", position_biased_input=False, type_vocab_size=0,
        pooler_hidden_act="gelu"), {}),
    "deberta-own-projections": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=36, hidden_size=15, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20,
        max_position_embeddings=30, relative_attention=True, max_relative_positions=11, pos_att_type=["c2p", "p2c"],
        position_biased_input=True, type_vocab_size=2, pooler_hidden_act="tanh", hidden_act="gelu_new"), {}),
    "deberta-projected-embeddings": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=40, embedding_size=10, hidden_size=18, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=44, relative_attention=True, position_buckets=7,
        max_relative_positions=24, pos_att_type="c2p", norm_rel_ebd="layer_norm", position_biased_input=False,
        type_vocab_size=2), {}),
    "deberta-position-to-content": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=38, hidden_size=12, num_hidden_layers=3, num_attention_heads=4, intermediate_size=16,
        max_position_embeddings=36, relative_attention=True, position_buckets=16, pos_att_type="p2c",
        share_att_key=True, position_biased_input=True, type_vocab_size=0), {}),
    "deberta-absolute": ("DebertaV2ForSequenceClassification", dict(
        vocab_size=38, hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=20, relative_attention=False, type_vocab_size=2), {}),
    "modernbert": ("ModernBertForSequenceClassification", dict(
        vocab_size=47, hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=20,
        max_position_embeddings=30, local_attention=8, **MODERN_IDS), {}),
    "modernbert-biases": ("ModernBertForSequenceClassification", dict(
        vocab_size=42, hidden_size=18, num_hidden_layers=3, num_attention_heads=3, intermediate_size=14,
        max_position_embeddings=21, local_attention=5, attention_bias=True, mlp_bias=True, norm_bias=True,
        classifier_bias=True, classifier_pooling="mean", classifier_activation="relu", hidden_activation="gelu_new",
        global_attn_every_n_layers=2, norm_eps=1e-4, **MODERN_IDS,
        rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 900.0},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 70.0}}), {}),
    "modernbert-4": ("ModernBertForSequenceClassification", dict(
        vocab_size=40, hidden_size=16, num_hidden_layers=3, num_attention_heads=4, intermediate_size=12,
        max_position_embeddings=20, local_attention=4, global_attn_every_n_layers=2, **MODERN_IDS),
        {"publish": published_modernbert}),
    "nomic": ("NomicBertForSequenceClassification", dict(
        vocab_size=48, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=24), {"publish": published_nomic}),
    "nomic-5": ("NomicBertForSequenceClassification", dict(
        vocab_size=43, hidden_size=14, num_hidden_layers=2, num_attention_heads=3, head_dim=6, intermediate_size=19,
        max_position_embeddings=20, hidden_act="gelu", type_vocab_size=1, layer_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 300.0}), {}),
    "gte": ("GteForSequenceClassification", dict(
        vocab_size=46, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
        max_position_embeddings=25), {"publish": published_gte, "prepare": scale_rotary}),
    "gte-unpacked": ("GteForSequenceClassification", dict(
        vocab_size=41, hidden_size=12, num_hidden_layers=1, num_attention_heads=3, intermediate_size=18,
        max_position_embeddings=20, type_vocab_size=0), {"publish": published_unpacked_gte}),
    "gte-5": ("GteForSequenceClassification", dict(
        vocab_size=44, hidden_size=18, num_hidden_layers=2, num_attention_heads=3, intermediate_size=15,
        max_position_embeddings=22, type_vocab_size=2, hidden_act="gelu_new"), {}),
    "jina": ("JinaBertForSequenceClassification", dict(
        vocab_size=45, hidden_size=18, num_hidden_layers=2, num_attention_heads=3, intermediate_size=22,
        max_position_embeddings=26, position_embedding_type="alibi", feed_forward_type="geglu"), {}),
    "jina-relu": ("JinaBertForSequenceClassification", dict(
        vocab_size=38, hidden_size=16, num_hidden_layers=1, num_attention_heads=4, intermediate_size=13,
        max_position_embeddings=19, type_vocab_size=1, position_embedding_type="alibi", feed_forward_type="reglu",
        layer_norm_eps=1e-5), {}),
    "t5": ("T5ForTokenClassification", dict(
        vocab_size=48, d_model=16, d_kv=6, d_ff=24, num_layers=2, num_heads=3, feed_forward_proj="relu",
        relative_attention_num_buckets=32, relative_attention_max_distance=128, n_positions=64), dict(longest=40)),
    "t5-gated": ("T5ForTokenClassification", dict(
        vocab_size=43, d_model=15, d_kv=5, d_ff=19, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=8, relative_attention_max_distance=20, layer_norm_epsilon=1e-5,
        n_positions=40), dict(longest=36)),
    "mt5": ("MT5ForTokenClassification", dict(
        vocab_size=57, d_model=12, d_kv=7, d_ff=20, num_layers=2, num_heads=2, feed_forward_proj="gated-silu",
        relative_attention_num_buckets=16), dict(longest=24)),
}

LONG = 1600
# Around the edges of windows, and at both ends.
LONG_ROWS = [0, 1, 63, 64, 65, 66, 128, 500, 799, 800, 801, 1023, 1024, 1500, 1533, 1534, 1535, 1536, 1598, 1599]
LONG_VARIANTS = {
    "modernbert": ("ModernBertForSequenceClassification", dict(
        vocab_size=60, hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=2048, local_attention=128, **MODERN_IDS), {}),
    "nomic": ("NomicBertForSequenceClassification", dict(
        vocab_size=56, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=2048), {"publish": published_nomic}),
    "gte": ("GteForSequenceClassification", dict(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=2048), {"publish": published_gte, "prepare": scale_rotary}),
    "jina": ("JinaBertForSequenceClassification", dict(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=2048, position_embedding_type="alibi", feed_forward_type="geglu"), {}),
}


def randomize(model, seed):
    """Weights large enough that every nonlinearity bends; normalizations and biases away from one and zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 1 and not name.endswith("bias"):
                parameter.copy_(1 + 0.2 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.2 * noise)
            elif "embed" in name or "relative_attention_bias" in name or "shared" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(noise * 1.5 / parameter.shape[1] ** 0.5)
    return model.eval()


def sequences(config, seed, limit, special):
    """Five inputs: a lone token, short, a pair with both types, repeated tokens, and the longest that fits."""
    source = random.Random(seed)
    usual = [i for i in range(config.vocab_size) if i not in special]
    types = getattr(config, "type_vocab_size", 1) or 1
    rows = []
    for length in (1, 4, 9, 6, limit):
        ids = [source.choice(usual) for _ in range(length)]
        if length == 6:
            ids = [ids[0], ids[1], ids[0], ids[1], ids[1], ids[0]]
        kinds = [0] * length
        if types > 1 and length >= 9:
            cut = source.randrange(3, length - 2)
            kinds = [0] * cut + [1] * (length - cut)
        rows.append({"inputIDs": ids, "tokenTypeIDs": kinds, "label": source.randrange(len(LABELS))})
    return rows


def inputs(model, row):
    values = dict(input_ids=torch.tensor([row["inputIDs"]]))
    accepted = inspect.signature(model.forward).parameters
    if (getattr(model.config, "type_vocab_size", 0) or 0) > 0 and "token_type_ids" in accepted:
        values["token_type_ids"] = torch.tensor([row["tokenTypeIDs"]])
    return values


def logits_of(output):
    """[1, labels]; of a head for tokens, the mean."""
    return output.logits.mean(1) if output.logits.ndim == 3 else output.logits


def compute(model, rows):
    """sequence.I.hidden.L, logits, loss and gradient.NAME."""
    tensors = {}
    model.zero_grad()
    logits = []
    for i, row in enumerate(rows):
        output = model(**inputs(model, row), output_hidden_states=True)
        for layer, hidden in enumerate(output.hidden_states):
            tensors[f"sequence.{i}.hidden.{layer}"] = hidden[0].detach().clone()
        logits.append(logits_of(output))
    tensors["logits"] = torch.cat(logits).detach()
    loss = torch.nn.functional.cross_entropy(torch.cat(logits), torch.tensor([row["label"] for row in rows]))
    loss.backward()
    tensors["loss"] = loss.detach().reshape(1)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            tensors["gradient." + name] = parameter.grad.clone()
    return tensors


def train(model, rows, learning_rate):
    """The losses of ten steps on all sequences at once."""
    optimizer = torch.optim.AdamW(golden.parameter_groups(model), lr=learning_rate)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, STEPS)
    losses = []
    for _ in range(STEPS):
        logits = torch.cat([logits_of(model(**inputs(model, row))) for row in rows])
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor([row["label"] for row in rows]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        losses.append(loss.item())
        optimizer.step()
        schedule.step()
    return losses


def saved_names(model, gradients):
    """The gradients under the names, and in the matrices, in which save_pretrained writes the parameters."""
    clone = copy.deepcopy(model)
    for name, parameter in clone.named_parameters():
        parameter.data = gradients["gradient." + name]
    with tempfile.TemporaryDirectory() as directory:
        clone.save_pretrained(directory)
        return {"gradient." + name: value for name, value in load_file(directory + "/model.safetensors").items()}


def build(class_name, values, options, seed):
    modules = (transformers, jina_bert, albert_zh)
    model_class = next(getattr(module, class_name) for module in modules if hasattr(module, class_name))
    config = model_class.config_class(**values, attn_implementation="eager")
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: i for i, label in enumerate(LABELS)}
    config.problem_type = "single_label_classification"
    torch.manual_seed(seed)
    model = randomize(model_class(config), seed)
    options.get("prepare", lambda model: None)(model)
    return model


def save(model, directory, options):
    """save_pretrained, and then another spelling of what it wrote."""
    shutil.rmtree(directory, ignore_errors=True)
    golden.save_checkpoint(model, directory)
    if "publish" in options:
        config = json.loads((directory / "config.json").read_text())
        config, tensors = options["publish"](config, load_file(directory / "model.safetensors"))
        (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        golden.write_tensors(directory / "model.safetensors", tensors)


def write(name, seed):
    class_name, values, options = VARIANTS[name]
    model = build(class_name, values, options, seed)
    config = model.config
    padding = config.pad_token_id
    limit = getattr(config, "max_position_embeddings", 24)
    if "relative" not in name and config.model_type in ("roberta", "camembert", "xlm-roberta"):
        limit -= padding + 1
    if config.model_type == "mpnet":
        limit -= 2
    limit = options.get("longest", limit)
    rows = sequences(config, seed, limit, {0, 1, padding})
    directory = golden.HERE / "families" / name
    save(model, directory, options)
    single = compute(model, rows)
    model.double()
    double = compute(model, rows)
    worst = max(float(((single[key].double() - double[key]).abs().max()) / max(1.0, float(double[key].abs().max())))
                for key in double)
    assert worst < 2e-5, f"{name}: float32 and float64 differ by {worst}"
    if config.model_type in ("nomic_bert", "gte"):
        gradients = {key: double.pop(key) for key in list(double) if key.startswith("gradient.")}
        gradients = saved_names(model, gradients)
        if "publish" in options:
            gradients = options["publish"](config.to_dict(), gradients)[1]
        double |= gradients
    rate = options.get("learning_rate", 1e-3)
    losses = train(model, rows, rate)
    golden.write_tensors(directory / "expected.safetensors", double)
    golden.write_json(directory / "expected.json", {
        "generator": "generate_families.py", "versions": golden.versions(),
        "largestDifferenceOfTorchFloat32": worst, "peakLearningRate": rate, "warmupSteps": WARMUP,
        "totalSteps": STEPS, "losses": losses, "sequences": rows})
    size = sum(file.stat().st_size for file in directory.iterdir())
    print(f"{name}: {len(double)} tensors, {size // 1024} kB, float32 differs by at most {worst:.1e}, "
          f"losses {losses[0]:.4f} to {losses[-1]:.4f}")


def write_long(name, seed):
    """Some rows of every layer for one long text."""
    class_name, values, options = LONG_VARIANTS[name]
    model = build(class_name, values, options, seed)
    directory = golden.HERE / "long-contexts" / name
    save(model, directory, options)
    source = random.Random(seed)
    row = {"inputIDs": [source.randrange(3, values["vocab_size"]) for _ in range(LONG)], "tokenTypeIDs": [0] * LONG}
    with torch.no_grad():
        single = model(**inputs(model, row), output_hidden_states=True).hidden_states
        double = model.double()(**inputs(model, row), output_hidden_states=True).hidden_states
    worst = max(float((a.double() - b).abs().max() / b.abs().max()) for a, b in zip(single, double))
    assert worst < 2e-5, f"{name}: float32 and float64 differ by {worst}"
    golden.write_tensors(
        directory / "expected.safetensors",
        {f"hidden.{layer}": hidden[0][LONG_ROWS] for layer, hidden in enumerate(double)})
    golden.write_json(directory / "expected.json", {
        "generator": "generate_families.py", "versions": golden.versions(),
        "largestDifferenceOfTorchFloat32": worst, "rows": LONG_ROWS, "sequences": [row]})
    size = sum(file.stat().st_size for file in directory.iterdir())
    print(f"long-contexts/{name}: {size // 1024} kB, float32 differs by at most {worst:.1e}")


def main():
    names = sys.argv[1:] or list(VARIANTS) + ["long-contexts/" + name for name in LONG_VARIANTS]
    for name in names:
        seed = zlib.crc32(name.encode())
        if name.startswith("long-contexts/"):
            write_long(name.removeprefix("long-contexts/"), seed)
        else:
            write(name, seed)


if __name__ == "__main__":
    main()
