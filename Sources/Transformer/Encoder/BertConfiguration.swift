public import Checkpoints
import JSON
import SystemPackage
public import Tensors

/// The numbers of `config.json` that shape a BERT encoder, under its keys.
public struct BertConfiguration: Equatable, Sendable {
    public var vocabSize: Int
    public var hiddenSize: Int
    public var numHiddenLayers: Int
    public var numAttentionHeads: Int
    public var intermediateSize: Int
    public var hiddenAct: Activation
    public var hiddenDropoutProb: Float
    public var attentionProbsDropoutProb: Float
    public var maxPositionEmbeddings: Int
    public var typeVocabSize: Int
    public var layerNormEps: Float
    public var initializerRange: Float

    /// The `model_type`s this encoder runs.
    public static let modelTypes = ["bert"]

    public init(_ file: JSONFile) throws(CheckpointError) {
        let type = try file.string("model_type")
        guard Self.modelTypes.contains(type) else {
            throw .unsupportedArchitecture(file.path, found: type, supported: Self.modelTypes)
        }
        if let positions = file.object["position_embedding_type"]?.string, positions != "absolute" {
            throw file.invalid("position_embedding_type", expected: "\"absolute\"")
        }
        if file.object["is_decoder"]?.bool == true { throw file.invalid("is_decoder", expected: "false") }
        vocabSize = try file.size("vocab_size")
        hiddenSize = try file.size("hidden_size")
        numHiddenLayers = try file.size("num_hidden_layers")
        numAttentionHeads = try file.size("num_attention_heads")
        intermediateSize = try file.size("intermediate_size")
        maxPositionEmbeddings = try file.size("max_position_embeddings")
        typeVocabSize = try file.size("type_vocab_size", absent: 2)
        hiddenDropoutProb = Float(try file.number("hidden_dropout_prob", absent: 0.1, in: 0...0.99))
        attentionProbsDropoutProb = Float(try file.number("attention_probs_dropout_prob", absent: 0.1, in: 0...0.99))
        layerNormEps = Float(try file.number("layer_norm_eps", absent: 1e-12, in: 0...1))
        initializerRange = Float(try file.number("initializer_range", absent: 0.02, in: 0...10))
        let activation = file.object["hidden_act"]?.string ?? "gelu"
        guard let known = Activation(configurationName: activation) else {
            let names = Activation.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.invalid("hidden_act", expected: "one of \(names)")
        }
        hiddenAct = known
        guard hiddenSize % numAttentionHeads == 0 else {
            throw file.invalid("hidden_size", expected: "a multiple of num_attention_heads (\(numAttentionHeads))")
        }
    }
}
