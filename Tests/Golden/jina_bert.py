"""JinaBERT v2 in torch, for its goldens: transformers does not have it.

Written by us after the paper (Günther et al. 2023, "Jina Embeddings 2", §3.1) and the names of the published checkpoints:
BERT with linear biases of attention, symmetric in both directions, in place of positions, and gated dense layers whose first
half is activated.
"""

import math
from types import SimpleNamespace

import torch
from torch import nn
from transformers import BertConfig, PreTrainedModel


def slopes(heads):
    """Press et al. 2022, "ALiBi", §3: a geometric sequence, and between powers of two every other one of the next."""
    if math.log2(heads).is_integer():
        return [2 ** (-8 * (i + 1) / heads) for i in range(heads)]
    below = 2 ** math.floor(math.log2(heads))
    return slopes(below) + slopes(2 * below)[0::2][:heads - below]


class Embeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, ids, types):
        return self.LayerNorm(self.word_embeddings(ids) + self.token_type_embeddings(types))


class SelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads = config.num_attention_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden):
        def split(x):
            return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

        query, key, value = split(self.query(hidden)), split(self.key(hidden)), split(self.value(hidden))
        places = torch.arange(hidden.shape[1])
        distances = (places[None, :] - places[:, None]).abs().to(hidden.dtype)
        bias = -torch.tensor(slopes(self.heads), dtype=hidden.dtype)[:, None, None] * distances
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + bias
        return (scores.softmax(-1) @ value).transpose(1, 2).reshape(hidden.shape)


class SelfOutput(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)


class GatedDense(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.activation = {"geglu": nn.GELU(), "reglu": nn.ReLU()}[config.feed_forward_type]
        self.gated_layers = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.wo = nn.Linear(config.intermediate_size, config.hidden_size)
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden):
        first, second = self.gated_layers(hidden).chunk(2, dim=-1)
        return self.layernorm(self.wo(self.activation(first) * second) + hidden)


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention = nn.Module()
        self.attention.self = SelfAttention(config)
        self.attention.output = SelfOutput(config)
        self.mlp = GatedDense(config)

    def forward(self, hidden):
        output = self.attention.output
        return self.mlp(output.LayerNorm(output.dense(self.attention.self(hidden)) + hidden))


class JinaBertForSequenceClassification(PreTrainedModel):
    config_class = BertConfig
    base_model_prefix = "bert"

    def __init__(self, config):
        super().__init__(config)
        self.bert = nn.Module()
        self.bert.embeddings = Embeddings(config)
        self.bert.encoder = nn.Module()
        self.bert.encoder.layer = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.bert.pooler = nn.Module()
        self.bert.pooler.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids, token_type_ids, output_hidden_states=True):
        states = [self.bert.embeddings(input_ids, token_type_ids)]
        for layer in self.bert.encoder.layer:
            states.append(layer(states[-1]))
        pooled = self.bert.pooler.dense(states[-1][:, 0]).tanh()
        return SimpleNamespace(hidden_states=states, logits=self.classifier(pooled))
