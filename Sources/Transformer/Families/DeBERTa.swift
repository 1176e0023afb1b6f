public import Checkpoints
import JSON
import Tensors

/// DeBERTa in its second and third version: attention to content and distance apart, without places in the embeddings.
///
/// Sources: He et al. 2021, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention"; He, Gao and Chen 2021,
/// "DeBERTaV3".
public enum DeBERTa: EncoderFamily {
    public static let modelTypes = ["deberta-v2"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let dropout = try file.dropout("hidden_dropout_prob", absent: 0.1)
        var architecture = try BERT.architecture(
            file, prefix: "deberta",
            head: HeadArchitecture(
                classPrefix: "DebertaV2", dense: "pooler.dense", activation: file.activation("pooler_hidden_act"),
                inputDropout: file.dropout("pooler_dropout", absent: 0),
                dropout: file.dropout("cls_dropout", absent: Double(dropout))))
        let hiddenSize = architecture.hiddenSize
        guard try file.size("pooler_hidden_size", absent: hiddenSize) == hiddenSize else {
            throw file.invalid("pooler_hidden_size", expected: "hidden_size (\(hiddenSize))")
        }
        guard try file.size("attention_head_size", absent: architecture.headSize) == architecture.headSize else {
            throw file.invalid("attention_head_size", expected: "hidden_size / num_attention_heads")
        }
        // The largest of the second version have a convolution beside their first layer.
        guard file.object["conv_kernel_size"]?.integer ?? 0 < 1 else {
            throw file.invalid("conv_kernel_size", expected: "0: convolutions are not supported")
        }
        architecture.normalization.epsilon = try file.epsilon("layer_norm_eps", absent: 1e-7)
        architecture.typeVocabSize = try file.typeVocabSize(absent: 0)
        architecture.embeddingSize = try file.size("embedding_size", absent: hiddenSize)
        if architecture.embeddingSize != hiddenSize { architecture.embeddingProjection = .beforeNorm }
        architecture.names.embeddingProjection = "embeddings.embed_proj"
        architecture.names.query = "attention.self.query_proj"
        architecture.names.key = "attention.self.key_proj"
        architecture.names.value = "attention.self.value_proj"
        architecture.names.positionKey = "attention.self.pos_key_proj"
        architecture.names.positionQuery = "attention.self.pos_query_proj"
        architecture.names.relativeEmbeddings = "encoder.rel_embeddings"
        architecture.names.relativeNorm = "encoder.LayerNorm"
        if try !file.flag("legacy", absent: true) { architecture.maskedHead = nil }
        architecture.pretrainingHeads = ["cls.", "lm_predictions.", "mask_predictions.", "qa_outputs."]
        if file.object["position_biased_input"]?.bool == false {
            architecture.learnedPositions = nil
            // Checkpoints may hold the table all the same.
            architecture.pretrainingHeads += ["deberta.embeddings.position_embeddings."]
        }
        let kinds = try positionKinds(file)
        architecture.attentionScale = 1 / Float(architecture.headSize * (1 + kinds.count)).squareRoot()
        if file.object["relative_attention"]?.bool == true {
            architecture.relativePositions = try relativePositions(file, kinds)
        }
        return architecture
    }

    private static func relativePositions(
        _ file: JSONFile, _ kinds: Set<String>
    ) throws(CheckpointError) -> RelativePositions {
        guard !kinds.isEmpty else { throw file.invalid("pos_att_type", expected: "c2p, p2c or both") }
        let normalization = (file.object["norm_rel_ebd"]?.string ?? "none").lowercased()
        guard ["none", "layer_norm"].contains(normalization) else {
            throw file.invalid("norm_rel_ebd", expected: "\"layer_norm\" or \"none\"")
        }
        let table = try file.size("max_position_embeddings")
        let positions = try positiveSize(file, "max_relative_positions") ?? table
        var distances = DistanceRows(span: positions)
        if let buckets = try positiveSize(file, "position_buckets") {
            guard buckets > 1, positions - 1 > buckets / 2 else {
                throw file.invalid("position_buckets", expected: "from 2 to less than twice \(positions) positions")
            }
            distances = DistanceRows(span: buckets, maxDistance: positions)
        }
        return .disentangled(
            DisentangledKind(
                distances: distances, hasKeys: kinds.contains("c2p"), hasQueries: kinds.contains("p2c"),
                sharesProjections: file.object["share_att_key"]?.bool ?? false,
                isNormalized: normalization == "layer_norm"))
    }

    /// A member whose numbers below 1 mean that there is none.
    private static func positiveSize(_ file: JSONFile, _ key: String) throws(CheckpointError) -> Int? {
        if let value = file.object[key]?.integer, value < 1 { return nil }
        return file.object[key] == nil || file.object[key] == .null ? nil : try file.size(key)
    }

    /// A list, or one string with bars between.
    private static func positionKinds(_ file: JSONFile) throws(CheckpointError) -> Set<String> {
        guard let value = file.object["pos_att_type"], value != .null else { return [] }
        let kinds =
            value.string.map { $0.lowercased().split(separator: "|").map { $0.filter { $0 != " " } } }
            ?? value.array?.compactMap(\.string)
        guard let kinds, kinds.allSatisfy({ ["c2p", "p2c"].contains($0) }) else {
            throw file.invalid("pos_att_type", expected: "c2p, p2c or both")
        }
        return Set(kinds)
    }
}
