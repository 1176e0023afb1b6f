"""Writes checkpoints/: tiny files of torch.save and of TensorFlow 1's saver, and the values that they hold.

usage: generate_checkpoints.py        (from anywhere; writes beside itself)

For every NAME.bin, NAME.expected.safetensors holds what torch.load gives, converted to float32 where it is a real
number. tf/bert_model.ckpt.* is a BERT of one layer with an optimizer's leftovers, under Google's names;
tf/expected.safetensors has the names and directions of PyTorch. families/NAME.bin holds what
../families/NAME/model.safetensors does (generate_families.py). Hostile pickles are made by the tests themselves.
"""

import collections
import json
import os
import shutil

import golden
import numpy
import torch
from safetensors.torch import load_file, save_file

DIRECTORY = golden.HERE / "checkpoints"


def values(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


def plain():
    return collections.OrderedDict([
        ("f32", values(5, 3)), ("f16", values(4, 2).half()), ("bf16", values(3, 3).bfloat16()),
        ("f64", values(2, 3, 2).double()), ("i64", torch.arange(6)), ("i32", torch.tensor([-7], dtype=torch.int32)),
        ("i16", torch.tensor([3, -4], dtype=torch.int16)), ("i8", torch.tensor([[-1], [2]], dtype=torch.int8)),
        ("u8", torch.tensor([255], dtype=torch.uint8)), ("bool", torch.tensor([True, False])),
        ("scalar", torch.tensor(2.5)), ("empty", torch.zeros(0, 4)), ("größe", values(2)),
    ])


def views():
    base = values(6, 4)
    tied = values(7, 3)
    return {
        "base": base, "transposed": base.t(), "row": base[2], "column": base[:, 1], "block": base[1:4, 1:3],
        "steps": base[::2, ::3], "permuted": values(2, 3, 4).permute(2, 0, 1), "wide": values(70, 40).t(),
        "expanded": torch.arange(5).expand((1, -1)), "repeated": torch.tensor([1.5]).expand(3, 2),
        "tied.a": tied, "tied.b": tied, "half": values(4, 5).half().t(),
        "parameter": torch.nn.Parameter(values(3, 2)), "ones": values(1, 4, 1).permute(2, 1, 0),
    }


def module():
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))


def expected(path, tensors):
    save_file({
        name: (tensor.float() if tensor.is_floating_point() else tensor).detach().contiguous().clone()
        for name, tensor in tensors.items()
    }, path)
    os.chmod(path, 0o644)


def write_torch(name, value, tensors, **options):
    path = DIRECTORY / f"{name}.bin"
    torch.save(value, path, **options)
    os.chmod(path, 0o644)
    loaded = torch.load(path, weights_only=False)  # the restricted loader knows protocol 2 alone
    assert list(loaded)[0] == list(value)[0]
    expected(DIRECTORY / f"{name}.expected.safetensors", tensors)


def write_families():
    (DIRECTORY / "families").mkdir()
    for source in sorted((golden.HERE / "families").iterdir()):
        path = DIRECTORY / "families" / f"{source.name}.bin"
        torch.save(load_file(source / "model.safetensors"), path)
        os.chmod(path, 0o644)


def write_tensorflow():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf
    tf = tf.compat.v1
    tf.disable_eager_execution()
    hidden, intermediate = 4, 6
    layer = "bert/encoder/layer_0"
    shapes = {
        "bert/embeddings/word_embeddings": (9, hidden), "bert/embeddings/token_type_embeddings": (2, hidden),
        "bert/embeddings/position_embeddings": (8, hidden), "bert/embeddings/LayerNorm/gamma": (hidden,),
        "bert/embeddings/LayerNorm/beta": (hidden,), "bert/pooler/dense/kernel": (hidden, hidden),
        "bert/pooler/dense/bias": (hidden,), f"{layer}/intermediate/dense/kernel": (hidden, intermediate),
        f"{layer}/intermediate/dense/bias": (intermediate,), f"{layer}/output/dense/kernel": (intermediate, hidden),
        f"{layer}/output/dense/bias": (hidden,), f"{layer}/output/LayerNorm/gamma": (hidden,),
        f"{layer}/output/LayerNorm/beta": (hidden,), f"{layer}/attention/output/dense/kernel": (hidden, hidden),
        f"{layer}/attention/output/dense/bias": (hidden,), f"{layer}/attention/output/LayerNorm/gamma": (hidden,),
        f"{layer}/attention/output/LayerNorm/beta": (hidden,), "cls/predictions/transform/dense/kernel": (hidden, hidden),
        "cls/predictions/transform/dense/bias": (hidden,), "cls/predictions/transform/LayerNorm/gamma": (hidden,),
        "cls/predictions/transform/LayerNorm/beta": (hidden,), "cls/predictions/output_bias": (9,),
        "cls/seq_relationship/output_weights": (2, hidden), "cls/seq_relationship/output_bias": (2,),
        "output_weights": (3, hidden), "output_bias": (3,),
    }
    for part in ("query", "key", "value"):
        shapes[f"{layer}/attention/self/{part}/kernel"] = (hidden, hidden)
        shapes[f"{layer}/attention/self/{part}/bias"] = (hidden,)
    random = numpy.random.default_rng(11)
    arrays = {name: random.standard_normal(shape).astype("float32") for name, shape in shapes.items()}
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [tf.Variable(value, name=name) for name, value in arrays.items()]
        for name in ("bert/pooler/dense/kernel/adam_m", "bert/pooler/dense/kernel/adam_v"):
            variables.append(tf.Variable(numpy.zeros((hidden, hidden), "float32"), name=name))
        variables.append(tf.Variable(numpy.int64(12345), name="global_step"))
        session.run(tf.global_variables_initializer())
        (DIRECTORY / "tf").mkdir()
        tf.train.Saver(variables).save(session, str(DIRECTORY / "tf" / "bert_model.ckpt"), write_meta_graph=False)
    (DIRECTORY / "tf" / "checkpoint").unlink()
    config = dict(vocab_size=9, hidden_size=hidden, num_hidden_layers=1, num_attention_heads=2,
                  intermediate_size=intermediate, hidden_act="gelu", max_position_embeddings=8, type_vocab_size=2)
    (DIRECTORY / "tf" / "bert_config.json").write_text(json.dumps(config, indent=2) + "\n")

    def translated(name, value):
        for old, new in (("layer_0", "layer.0"), ("gamma", "weight"), ("beta", "bias"), ("kernel", "weight"),
                         ("predictions/output_bias", "predictions.bias"), ("relationship/output_", "relationship.")):
            name = name.replace(old, new)
        name = name.replace("output_weights", "classifier.weight").replace("output_bias", "classifier.bias")
        name = name.replace("relationship.weights", "relationship.weight").replace("/", ".")
        return name + (".weight" if name.endswith("_embeddings") else "")

    expected(DIRECTORY / "tf" / "expected.safetensors", {
        translated(name, value): torch.from_numpy(value.T.copy() if name.endswith("kernel") else value)
        for name, value in arrays.items()
    })
    for file in (DIRECTORY / "tf").iterdir():
        file.chmod(0o644)
    return tf.version.VERSION if hasattr(tf, "version") else ""


def main():
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir()
    for form, options in (("zip", {}), ("legacy", dict(_use_new_zipfile_serialization=False))):
        write_torch(f"plain-{form}", plain(), plain(), **options)
        write_torch(f"views-{form}", views(), views(), **options)
    write_torch("protocol-4", plain(), plain(), pickle_protocol=4)
    write_torch("protocol-5-legacy", views(), views(), pickle_protocol=5, _use_new_zipfile_serialization=False)
    state = module().state_dict()
    write_torch("module", state, state)
    write_torch("training", {"epoch": 3, "state_dict": state, "optimizer": {"state": {0: {"step": torch.tensor(1.)}},
                "param_groups": [{"lr": 1e-3, "params": [0]}]}, "note": None, "scores": [0.5, 1], "done": True}, state)
    write_families()
    versions = dict(golden.versions(), tensorflow=write_tensorflow())
    golden.write_json(DIRECTORY / "versions.json", {"generator": "generate_checkpoints.py", "versions": versions})


if __name__ == "__main__":
    main()
