"""Writes denoising/: what sentence-transformers' denoising auto-encoder says, and transformers' decoders of one vector.

usage: generate_denoising.py        (from anywhere; run generate_modules.py and generate_heads.py first)

training.json holds the losses of ten AdamW steps of DenoisingAutoEncoderLoss, encoder and decoder tied, on the tiny BERT of
modules/modes with mean pooling, in eval mode, that is without dropout, with the gradient norms and the vectors after the
last step; training.safetensors the decoder's own parameters before the first. FAMILY.safetensors holds, for the models of
heads/FAMILY-masked as decoders that share their own parameters, the vectors, the cross-attention's parameters, the loss of
a few sequences, and its gradient by the vectors and by every parameter;
families.json the sequences.
"""

import random

import golden
import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import AutoConfig, AutoModelForCausalLM

DIRECTORY = golden.HERE / "denoising"
SEQUENCES = [[2, 5, 9, 6, 7, 3], [2, 3], [4, 28, 11, 6, 8, 8, 10, 3, 12]]
STEPS, RATE, BATCH, RATIO, DEVIATION = 10, 2e-3, 6, 0.6, 0.3


def own_parameters(decoder):
    """Those that the encoder does not have, less the cross-attention's queries and keys, which change nothing."""
    return {name: parameter for name, parameter in decoder.named_parameters()
            if ("crossattention" in name and ".query." not in name and ".key." not in name)
            or name.startswith(("cls.", "lm_head.", "generator_"))}


def randomize(parameters):
    """Fresh parameters are so small at first that little would show."""
    for name, parameter in parameters.items():
        torch.nn.init.normal_(parameter, 1 if "norm.weight" in name.lower() else 0, DEVIATION)


def sentence(generator):
    words = "the film good bad fine dull was plot warm cold not very . , !".split()
    return [generator.choice(words) for _ in range(generator.randint(1, 9))]


def damaged(words, generator):
    kept = [word for word in words if generator.random() >= RATIO]
    return kept or [generator.choice(words)]


def training():
    generator = random.Random(29)
    torch.manual_seed(29)
    source = golden.HERE / "modules/modes"
    transformer = Transformer(str(source))
    model = SentenceTransformer(modules=[transformer, Pooling(12, "mean")], device="cpu")
    loss = DenoisingAutoEncoderLoss(model)
    own = own_parameters(loss.decoder)
    randomize(own)
    golden.write_tensors(DIRECTORY / "training.safetensors", own)
    model.eval()
    loss.eval()
    parameters = [p for p in loss.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0)
    batches, losses, norms = [], [], []
    for _ in range(STEPS):
        texts = [sentence(generator) for _ in range(BATCH)]
        batch = {"damaged": [" ".join(damaged(words, generator)) for words in texts],
                 "texts": [" ".join(words) for words in texts]}
        value = loss([model.preprocess(batch["damaged"]), model.preprocess(batch["texts"])], None)
        optimizer.zero_grad()
        value.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, 1.0)))
        losses.append(value.item())
        batches.append(batch)
        optimizer.step()
    print(f"training: {losses[0]:.4f} … {losses[-1]:.4f}")
    texts = batches[0]["texts"]
    golden.write_json(DIRECTORY / "training.json", {
        "generator": "generate_denoising.py", "versions": golden.versions(sentence_transformers), "learningRate": RATE,
        "batches": batches, "losses": losses, "gradientNorms": norms, "texts": texts,
        "vectors": model.encode(texts).flatten().tolist()})


def family(name):
    torch.manual_seed(31)
    source = golden.HERE / f"heads/{name}-masked"
    configuration = AutoConfig.from_pretrained(source)
    configuration.is_decoder = configuration.add_cross_attention = True
    decoder = AutoModelForCausalLM.from_pretrained(source, config=configuration).eval()
    cross = {key: value for key, value in own_parameters(decoder).items() if "crossattention" in key}
    randomize(cross)
    vectors = torch.randn(len(SEQUENCES), configuration.hidden_size, requires_grad=True)
    total, count = 0, 0
    for row, vector in zip(SEQUENCES, vectors):
        logits = decoder(input_ids=torch.tensor([row[:-1]]), encoder_hidden_states=vector[None, None]).logits
        total = total + torch.nn.functional.cross_entropy(logits[0], torch.tensor(row[1:]), reduction="sum")
        count += len(row) - 1
    value = total / count
    value.backward()
    gradients = {f"gradient.{key}": parameter.grad for key, parameter in decoder.named_parameters()
                 if parameter.grad is not None and not any(f"crossattention.self.{part}" in key for part in ("query", "key"))}
    print(f"{name}: {value.item():.4f}, {len(gradients)} gradients")
    golden.write_tensors(DIRECTORY / f"{name}.safetensors", {
        **cross, **gradients, "vectors": vectors, "gradient.vectors": vectors.grad, "loss": value.reshape(1)})


def main():
    DIRECTORY.mkdir(exist_ok=True)
    training()
    golden.write_json(DIRECTORY / "families.json", {
        "generator": "generate_denoising.py", "versions": golden.versions(), "sequences": SEQUENCES})
    for name in ("bert", "roberta", "electra"):
        family(name)


if __name__ == "__main__":
    main()
