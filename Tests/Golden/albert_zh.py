"""The layout of albert_zh in torch, for its goldens: transformers' ALBERT has another.

Written by us of transformers' BERT after the published checkpoints' names: words alone are projected, without a bias, before
places and token types are added, and all layers are one.
"""

from types import SimpleNamespace

import torch
from torch import nn
from transformers import BertConfig, PreTrainedModel
from transformers.models.bert.modeling_bert import BertLayer, BertPooler


class Embeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.embedding_size)
        self.word_embeddings_2 = nn.Linear(config.embedding_size, config.hidden_size, bias=False)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, ids, types):
        words = self.word_embeddings_2(self.word_embeddings(ids))
        places = self.position_embeddings(torch.arange(ids.shape[1]))
        return self.LayerNorm(words + places + self.token_type_embeddings(types))


class AlbertZhForSequenceClassification(PreTrainedModel):
    config_class = BertConfig
    base_model_prefix = "bert"

    def __init__(self, config):
        super().__init__(config)
        self.bert = nn.Module()
        self.bert.embeddings = Embeddings(config)
        self.bert.encoder = nn.Module()
        self.bert.encoder.layer_shared = BertLayer(config)
        self.bert.pooler = BertPooler(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids, token_type_ids, output_hidden_states=True):
        states = [self.bert.embeddings(input_ids, token_type_ids)]
        for _ in range(self.config.num_hidden_layers):
            states.append(self.bert.encoder.layer_shared(states[-1]))
        return SimpleNamespace(hidden_states=states, logits=self.classifier(self.bert.pooler(states[-1])))
