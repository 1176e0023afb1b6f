public import Checkpoints
public import Tensors

/// BERT: token ids in, hidden states out.
///
/// Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
public final class BertEncoder {
    public let configuration: BertConfiguration
    public let embeddings: BertEmbeddings
    public let layers: [BertLayer]
    /// Of the embeddings and the layers.
    public let parameters: [Parameter]

    public struct Saved: Sendable {
        let embeddings: BertEmbeddings.Saved
        let layers: [BertLayer.Saved]
    }

    /// Where a BERT checkpoint spells a name in another way: without the prefix, or as the TensorFlow release did.
    public static let spellings = CheckpointSpellings(
        optionalPrefix: "bert.",
        endings: [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")])

    /// Tensors of published BERT checkpoints that the encoder has no use for: buffers and heads of pre-training.
    public static func isBufferOrPretrainingHead(_ name: String) -> Bool {
        name.hasSuffix("embeddings.position_ids") || name.hasSuffix("embeddings.token_type_ids")
            || name.hasPrefix("cls.")
    }

    /// - Parameter scope: the place of `embeddings` and `encoder`; `bert` in a checkpoint with a head.
    public init(_ scope: ParameterScope, _ configuration: BertConfiguration) throws(CheckpointError) {
        self.configuration = configuration
        let before = scope.source.parameters.count
        embeddings = try BertEmbeddings(scope["embeddings"], configuration)
        var layers: [BertLayer] = []
        for index in 0..<configuration.numHiddenLayers {
            layers.append(try BertLayer(scope["encoder"]["layer"]["\(index)"], configuration))
        }
        self.layers = layers
        parameters = Array(scope.source.parameters[before...])
    }

    /// - Precondition: ids are below `vocabSize`, sequences no longer than `maxPositionEmbeddings`.
    /// - Parameters:
    ///   - firstOnly: whether only the first token's state of each sequence is wanted, as a classification head does.
    ///   - random: applies dropout when given.
    /// - Returns: the hidden states of the last layer, `[tokens, hiddenSize]`, or `[sequences, hiddenSize]`.
    public func forward(
        _ batch: TokenBatch, firstOnly: Bool = false, training random: RandomSource? = nil
    ) -> (output: Tensor, saved: Saved) {
        var (hidden, embeddingsSaved) = embeddings.forward(batch, training: random)
        var layersSaved: [BertLayer.Saved] = []
        for (index, layer) in layers.enumerated() {
            let (output, saved) = layer.forward(
                hidden, batch.sequences, firstOnly: firstOnly && index == layers.count - 1, training: random)
            hidden = output
            layersSaved.append(saved)
        }
        return (hidden, Saved(embeddings: embeddingsSaved, layers: layersSaved))
    }

    /// Adds to the gradients of all trainable parameters; stops below the lowest of them.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        for index in layers.indices.reversed() {
            guard hasTrainableParameters(upTo: index) else { return }
            gradient = layers[index].backward(gradient, saved.layers[index])
        }
        if hasTrainableParameters(upTo: -1) { embeddings.backward(gradient, saved.embeddings) }
    }

    /// Whether the embeddings or a layer up to this one learn.
    private func hasTrainableParameters(upTo layer: Int) -> Bool {
        // Parameters are registered from the bottom up: a fixed number in the embeddings, then as many in each layer.
        let perLayer = layers.isEmpty ? 0 : (parameters.count - Self.embeddingParameters) / layers.count
        return parameters.prefix(Self.embeddingParameters + (layer + 1) * perLayer).contains { $0.isTrainable }
    }

    /// Three tables, and the weight and bias of the normalization.
    private static let embeddingParameters = 5

    /// Packs all matrices for training, until the parameters change.
    public func pack() {
        let linears = linears
        ThreadPool.shared.run(linears.count) { linears[$0].pack() }
    }

    /// Chooses the precision of the products in both passes: f32, or bf16 where available.
    public func setPrecision(_ precision: Precision) {
        for linear in linears { linear.precision = precision }
    }

    private var linears: [Linear] {
        layers.flatMap { layer in
            [
                layer.attention.query, layer.attention.key, layer.attention.value, layer.attentionOutput.dense,
                layer.intermediate, layer.output.dense,
            ]
        }
    }
}
