"""Makes `positions/expected.json`: what transformers computes of places and distances.

usage: generate_positions.py
"""

import torch
from golden import HERE, versions, write_json
from transformers import ModernBertConfig
from transformers.models.bloom.modeling_bloom import _get_alibi_slopes
from transformers.models.deberta_v2.modeling_deberta_v2 import build_relative_position
from transformers.models.modernbert.modeling_modernbert import ModernBertRotaryEmbedding, apply_rotary_pos_emb
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder
from transformers.models.t5.modeling_t5 import T5Attention


def buckets(count, largest):
    """Of the distances from -200 to 200; T5's and MPNet's are the same."""
    distances = torch.arange(-200, 201)
    t5 = T5Attention._relative_position_bucket(distances, True, count, largest)
    assert torch.equal(t5, MPNetEncoder.relative_position_bucket(distances, count, largest))
    return {"count": count, "maxDistance": largest, "values": t5.tolist()}


def distance_rows(span, largest):
    """The rows of DeBERTa's table for the distances from -600 to 600; without a largest one there are no buckets."""
    places = torch.zeros(1, 1201, 1)
    distances = build_relative_position(
        places, places[:, :601], bucket_size=-1 if largest is None else span, max_position=largest or span)[0, :, 600]
    rows = torch.clamp(distances + span, 0, 2 * span - 1)
    return {"span": span, "maxDistance": largest, "values": rows.tolist()}


def rotary(base, size):
    places = torch.tensor([[0, 1, 2, 63, 511, 1024, 4097, 8191]])
    config = ModernBertConfig(
        hidden_size=2 * size, num_attention_heads=2, num_hidden_layers=1, intermediate_size=8, vocab_size=8,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
        rope_parameters={kind: {"rope_type": "default", "rope_theta": base}
                         for kind in ("full_attention", "sliding_attention")})
    table = ModernBertRotaryEmbedding(config)
    query = torch.randn(1, 2, 8, size, generator=torch.Generator().manual_seed(size))
    cosines, sines = table(query, places, "full_attention")
    turned, _ = apply_rotary_pos_emb(query, query, cosines, sines)

    def rows(tensor):
        # Nine digits are a float32.
        return [float(f"{value:.9g}") for value in tensor[0].transpose(0, 1).flatten().tolist()]

    return {"base": base, "size": size, "places": places[0].tolist(), "input": rows(query), "output": rows(turned)}


def main():
    directory = HERE / "positions"
    directory.mkdir(exist_ok=True)
    write_json(directory / "expected.json", {
        "generator": "Tests/Golden/generate_positions.py",
        "versions": versions(),
        "buckets": [buckets(32, 128), buckets(64, 256), buckets(16, 50)],
        "distanceRows": [distance_rows(*it) for it in ((256, 512), (8, 40), (7, 24), (32, 128), (512, None))],
        "slopes": [_get_alibi_slopes(heads, "cpu").tolist() for heads in (1, 2, 4, 6, 8, 12, 16, 20)],
        "rotary": [rotary(10000.0, 64), rotary(160000.0, 64), rotary(1000.0, 32), rotary(10000.0, 6)],
    })


if __name__ == "__main__":
    main()
