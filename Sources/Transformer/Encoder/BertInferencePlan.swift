import Synchronization
public import Tensors

/// A BERT encoder with frozen weights, laid out for inference: weights packed in the precision of the products, everything
/// between two products done in one pass over the rows, memory kept from batch to batch.
///
/// Several threads may encode at once. A sequence's hidden states do not depend on the batch, nor on the threads.
public final class BertInferencePlan: Sendable {
    public let precision: Precision
    private let tables: [StoredTensor]  // words, token types, positions
    private let embeddingsNorm: FrozenLayerNorm
    private let layers: [BertInferenceLayer]
    private let hiddenSize: Int
    private let intermediateSize: Int
    private let spare = Mutex<[BertWorkspace]>([])

    /// - Precondition: the precision is available.
    public init(_ encoder: BertEncoder, precision: Precision) {
        self.precision = precision
        hiddenSize = encoder.configuration.hiddenSize
        intermediateSize = encoder.configuration.intermediateSize
        let embeddings = encoder.embeddings
        tables = [embeddings.wordEmbeddings, embeddings.tokenTypeEmbeddings, embeddings.positionEmbeddings].map {
            $0.weight.stored
        }
        // The layers are alike, and only read: the threads share them.
        let factors = parallelMap(encoder.layers.count) { index in
            let layer = encoder.layers[index]
            let input = index == 0 ? embeddings.layerNorm : encoder.layers[index - 1].output.layerNorm
            let attention = layer.attention
            return precision == .int8
                ? (
                    QuantizationFactors(
                        of: input, for: [attention.query, attention.key, attention.value]
                    ).values,
                    QuantizationFactors(of: layer.attentionOutput.layerNorm, for: [layer.intermediate]).values
                )
                : (nil, nil)
        }
        embeddingsNorm = FrozenLayerNorm(embeddings.layerNorm, factors: factors.first?.0)
        layers = parallelMap(encoder.layers.count) { index in
            BertInferenceLayer(
                encoder.layers[index], precision: precision, inputFactors: factors[index].0,
                middleFactors: factors[index].1,
                outputFactors: index + 1 < factors.count ? factors[index + 1].0 : nil)
        }
    }

    /// About how many bytes a plan takes: the packed matrices, what packing needs besides, and a batch on each thread.
    public static func bytes(_ configuration: BertConfiguration, _ precision: Precision) -> Int {
        let (hidden, intermediate) = (configuration.hiddenSize, configuration.intermediateSize)
        let layer = 4 * hidden * hidden + 2 * hidden * intermediate
        let tokens = max(256, min(512, configuration.maxPositionEmbeddings))
        let row = 8 * hidden + 2 * intermediate
        // Of a layer being packed, keys and values are copied; in bytes, every matrix once in f32.
        let copy = precision == .int8 ? hidden * max(2 * hidden, intermediate) : 2 * hidden * hidden
        let threads = min(ThreadPool.shared.threads, configuration.numHiddenLayers)
        return configuration.numHiddenLayers * layer * precision.bytes + threads * 4 * (copy + tokens * row)
    }

    /// - Precondition: ids are below `vocabSize`, sequences no longer than `maxPositionEmbeddings`.
    /// - Parameter firstOnly: whether only the first token's state of each sequence is wanted.
    /// - Returns: the hidden states of the last layer, `[tokens, hiddenSize]`, or `[sequences, hiddenSize]`.
    public func encode(_ batch: TokenBatch, firstOnly: Bool = false) -> Tensor {
        let workspace =
            spare.withLock { $0.popLast() }
            ?? BertWorkspace(hiddenSize: hiddenSize, intermediateSize: intermediateSize, precision: precision)
        defer { spare.withLock { $0.append(workspace) } }
        workspace.hidden.embed(
            tables, [batch.inputIDs, batch.tokenTypeIDs, batch.positions], normalizedBy: embeddingsNorm)
        guard firstOnly, let last = layers.last else {
            for layer in layers { layer.forward(workspace.hidden, batch.sequences, workspace) }
            return workspace.hidden.tensor
        }
        for layer in layers.dropLast() { layer.forward(workspace.hidden, batch.sequences, workspace) }
        workspace.first.gather(batch.sequences.map { Int32($0.lowerBound) }, from: workspace.hidden)
        last.forward(
            workspace.hidden, batch.sequences, queries: workspace.first, batch.sequences.indices.map { $0..<$0 + 1 },
            workspace)
        return workspace.first.tensor
    }
}

/// The memory in which a batch is computed, kept for the next.
struct BertWorkspace: Sendable {
    let hidden, first, query, keyValue, context, intermediate: Activations
    let scratch = ProductScratch()

    init(hiddenSize: Int, intermediateSize: Int, precision: Precision) {
        hidden = Activations(columns: hiddenSize, for: precision)
        first = Activations(columns: hiddenSize, for: precision)
        query = Activations(columns: hiddenSize, for: .f32)
        keyValue = Activations(columns: 2 * hiddenSize, for: .f32)
        context = Activations(columns: hiddenSize, for: precision)
        intermediate = Activations(columns: intermediateSize, for: precision)
    }
}

/// One layer of a plan.
private struct BertInferenceLayer: Sendable {
    let query, keyValue, attentionOutput, intermediate, output: FrozenLinear
    let attentionNorm, outputNorm: FrozenLayerNorm
    let heads: Int

    /// The factors are of the layer's input, of what stands between its halves, and of its output.
    init(
        _ layer: BertLayer, precision: Precision, inputFactors: [Float]?, middleFactors: [Float]?,
        outputFactors: [Float]?
    ) {
        func frozen(_ linears: [Linear], factors: [Float]? = nil, activation: Activation? = nil) -> FrozenLinear {
            FrozenLinear(
                linears.map(\.weight.stored), biases: linears.map(\.bias.value), precision: precision, factors: factors,
                activation: activation)
        }
        query = frozen([layer.attention.query], factors: inputFactors)
        keyValue = frozen([layer.attention.key, layer.attention.value], factors: inputFactors)
        attentionOutput = frozen([layer.attentionOutput.dense])
        intermediate = frozen([layer.intermediate], factors: middleFactors, activation: layer.activation)
        output = frozen([layer.output.dense])
        attentionNorm = FrozenLayerNorm(layer.attentionOutput.layerNorm, factors: middleFactors)
        outputNorm = FrozenLayerNorm(layer.output.layerNorm, factors: outputFactors)
        heads = layer.attention.heads
    }

    /// Replaces `hidden`, `[tokens, hiddenSize]`, by the layer's output.
    func forward(_ hidden: Activations, _ sequences: [Range<Int>], _ workspace: BertWorkspace) {
        forward(hidden, sequences, queries: hidden, sequences, workspace)
    }

    /// Replaces `queries`, the rows of each sequence that go on, by the layer's output.
    func forward(
        _ hidden: Activations, _ sequences: [Range<Int>], queries: Activations, _ querySequences: [Range<Int>],
        _ workspace: BertWorkspace
    ) {
        query.project(queries, into: workspace.query, workspace.scratch)
        keyValue.project(hidden, into: workspace.keyValue, workspace.scratch)
        FusedAttention.attend(
            workspace.query, workspace.keyValue, queries: querySequences, keys: sequences, heads: heads,
            into: workspace.context)
        attentionOutput.add(workspace.context, to: queries, normalizedBy: attentionNorm, workspace.scratch)
        intermediate.project(queries, into: workspace.intermediate, workspace.scratch)
        output.add(workspace.intermediate, to: queries, normalizedBy: outputNorm, workspace.scratch)
    }
}

extension FrozenLayerNorm {
    fileprivate init(_ norm: LayerNorm, factors: [Float]?) {
        self.init(weight: norm.weight.value, bias: norm.bias.value, epsilon: norm.epsilon, factors: factors)
    }
}
