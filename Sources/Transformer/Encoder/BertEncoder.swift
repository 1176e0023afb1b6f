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

    /// Whether the backward pass computes each layer's activations again instead of keeping them: a third more work, and
    /// memory for one layer at a time. The gradients are the same bits.
    ///
    /// Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", §3.
    public var recomputesActivations = false

    public struct Saved: Sendable {
        let embeddings: BertEmbeddings.Saved
        let layers: [LayerSaved]
        let sequences: [Range<Int>]
    }

    enum LayerSaved: Sendable {
        case activations(BertLayer.Saved)
        /// What the layer was given, and the state of the random source then.
        case input(Tensor, firstOnly: Bool, randomState: UInt64?)
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
        var layersSaved: [LayerSaved] = []
        for (index, layer) in layers.enumerated() {
            let firstOnly = firstOnly && index == layers.count - 1
            let state = random?.state
            let (output, saved) = layer.forward(hidden, batch.sequences, firstOnly: firstOnly, training: random)
            layersSaved.append(
                recomputesActivations
                    ? .input(hidden, firstOnly: firstOnly, randomState: state) : .activations(saved))
            hidden = output
        }
        return (hidden, Saved(embeddings: embeddingsSaved, layers: layersSaved, sequences: batch.sequences))
    }

    /// Adds to the gradients of all trainable parameters; stops below the lowest of them.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        for index in layers.indices.reversed() {
            guard hasTrainableParameters(upTo: index) else { return }
            let layer = layers[index]
            switch saved.layers[index] {
            case .activations(let activations): gradient = layer.backward(gradient, activations)
            case .input(let input, let firstOnly, let randomState):
                let again = layer.forward(
                    input, saved.sequences, firstOnly: firstOnly,
                    training: randomState.map { RandomSource(seed: $0) })
                gradient = layer.backward(gradient, again.saved)
            }
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

    /// Gives the memory of packed matrices back.
    public func unpack() {
        for linear in linears { linear.weight.unpack() }
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
