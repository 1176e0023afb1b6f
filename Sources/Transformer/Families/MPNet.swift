public import Checkpoints
import JSON
import Tensors

/// BERT without token types, with RoBERTa's places and a learned bias of attention for buckets of distances.
///
/// Source: Song et al. 2020, "MPNet: Masked and Permuted Pre-training for Language Understanding", §2.
public enum MPNet: EncoderFamily {
    public static let modelTypes = ["mpnet"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let dropout = try file.dropout("hidden_dropout_prob", absent: 0.1)
        var architecture = try BERT.architecture(
            file, prefix: "mpnet",
            head: HeadArchitecture(
                classPrefix: "MPNet", dense: "classifier.dense", inputDropout: dropout, dropout: dropout,
                output: "classifier.out_proj"))
        // The reference ignores pad_token_id here.
        try architecture.countPlaces(file, behindPaddingID: 1)
        architecture.typeVocabSize = 0
        architecture.maskedHead = .roberta(file)
        // The reference computes 32 buckets whatever the size of the table.
        guard try file.size("relative_attention_num_buckets", absent: 32) == 32 else {
            throw file.invalid("relative_attention_num_buckets", expected: "32")
        }
        architecture.relativePositions = .buckets(count: 32, maxDistance: 128)
        architecture.names.relativeBias = "encoder.relative_attention_bias"
        architecture.names.query = "attention.attn.q"
        architecture.names.key = "attention.attn.k"
        architecture.names.value = "attention.attn.v"
        architecture.names.attentionOutput = "attention.attn.o"
        architecture.names.attentionNorm = "attention.LayerNorm"
        architecture.names.attentionAdapters = "attention_adapters"
        architecture.names.outputAdapters = "output_adapters"
        return architecture
    }
}
