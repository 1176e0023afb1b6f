import Tensors

/// A layer with the normalizations around it, from which an inference plan makes its own layer.
struct Neighbours: Equatable {
    let layer: EncoderLayer
    /// Of what attention reads; `nil` where that is not normalized, or not known to be.
    let input: LayerNorm?
    /// Between the halves.
    let middle: LayerNorm?
    /// Of what the next layer reads, or of the result.
    let output: LayerNorm?

    init(of index: Int, in encoder: TransformerEncoder) {
        layer = encoder.layers[index]
        let isLast = index == encoder.layers.count - 1
        if encoder.architecture.isPreNorm {
            input = layer.attentionNorm
            middle = layer.feedForwardNorm
            output = isLast ? encoder.finalNorm : encoder.layers[index + 1].attentionNorm
        } else {
            input = index > 0 ? encoder.layers[index - 1].output.layerNorm : encoder.embeddings.outputNorm
            middle = layer.attentionOutput.layerNorm
            output = layer.output.layerNorm
        }
    }

    static func == (a: Neighbours, b: Neighbours) -> Bool {
        a.layer === b.layer && a.input === b.input && a.middle === b.middle && a.output === b.output
    }

    /// Of the columns before they are quantized: of the layer's input, and of what stands between its halves.
    struct Factors: Sendable {
        var input: [Float]?
        var middle: [Float]?
    }

    var factors: Factors {
        Factors(
            input: input.map { QuantizationFactors(of: $0, for: layer.attention.linears).values },
            middle: middle.map { QuantizationFactors(of: $0, for: layer.feedForward.linears).values })
    }
}

/// One layer of an inference plan.
struct FrozenEncoderLayer: Sendable {
    private let query, keyValue, attentionOutput, intermediate, output: FrozenLinear
    private let middleNorm, outputNorm: FrozenLayerNorm
    private let attentionAdapters, outputAdapters: FrozenAdapterBlock?
    private let heads: Int
    private let headSize: Int
    private let scale: Float?
    private let window: Int?
    private let bias: RelativeBias?
    private let rotary: RotaryTable?
    private let positions: DisentangledPositions?

    /// - Parameters:
    ///   - next: the factors of what the next layer reads.
    ///   - relativeEmbeddings: of all distances shorter than `reach`.
    init(
        _ neighbours: Neighbours, precision: Precision, factors: Neighbours.Factors, next: [Float]?,
        _ bias: RelativeBias?, relativeEmbeddings: Tensor?, reach: Int
    ) {
        let layer = neighbours.layer
        guard let middle = neighbours.middle, let end = neighbours.output else {
            preconditionFailure("a layer without normalizations")
        }
        let attention = layer.attention
        let (queryPart, keyValueParts) = attention.matrices
        query = FrozenLinear([queryPart], precision: precision, factors: factors.input)
        keyValue = FrozenLinear(keyValueParts, precision: precision, factors: factors.input)
        attentionOutput = FrozenLinear([layer.attentionOutput.dense.matrix], precision: precision)
        intermediate = FrozenLinear(
            layer.feedForward.matrices, precision: precision, factors: factors.middle,
            activation: layer.feedForward.activation, isGated: layer.feedForward.kind != .plain)
        output = FrozenLinear([layer.output.dense.matrix], precision: precision)
        middleNorm = FrozenLayerNorm(middle, factors: factors.middle)
        outputNorm = FrozenLayerNorm(end, factors: next)
        func adapters(_ half: ResidualOutput) -> FrozenAdapterBlock? {
            half.adapters.map { FrozenAdapterBlock($0, norm: half.layerNorm, precision: precision) }
        }
        (attentionAdapters, outputAdapters) = (adapters(layer.attentionOutput), adapters(layer.output))
        heads = attention.heads
        headSize = attention.size / attention.heads
        scale = attention.scale
        window = attention.window
        rotary = attention.rotary
        self.bias = bias
        positions = relativeEmbeddings.flatMap { attention.positions?.frozen($0, reach: reach) }
    }

    /// Replaces `queries`, the rows of each sequence that go on, by the layer's output.
    ///
    /// - Parameters:
    ///   - places: those of the rows in their sequences, where rotary positions need them.
    ///   - prefix: the keys and values in front of those of every sequence, `[virtualTokens, 2·attentionSize]`.
    func forward(
        _ hidden: HiddenRows, _ sequences: [Range<Int>], _ places: [Int32], queries: HiddenRows,
        _ querySequences: [Range<Int>], _ queryPlaces: [Int32], prefix: Tensor?, _ workspace: Workspace
    ) {
        let scratch = workspace.scratch
        query.project(queries.normalized, into: workspace.query, scratch)
        keyValue.project(hidden.normalized, into: workspace.keyValue, scratch)
        if let rotary {
            workspace.query.rotate(by: rotary, at: queryPlaces, headSize: headSize)
            workspace.keyValue.rotate(0..<heads * headSize, by: rotary, at: places, headSize: headSize)
        }
        let (keyValue, keys) =
            prefix.map {
                (workspace.prefixed, workspace.prefixed.interleave($0, before: sequences, of: workspace.keyValue))
            }
            ?? (workspace.keyValue, sequences)
        FusedAttention.attend(
            workspace.query, keyValue, queries: querySequences, keys: keys, heads: heads, scale: scale,
            bias: bias, window: window, positions: positions, into: workspace.context)
        end(attentionOutput, workspace.context, queries, middleNorm, attentionAdapters, workspace)
        intermediate.project(queries.normalized, into: workspace.intermediate, scratch)
        end(output, workspace.intermediate, queries, outputNorm, outputAdapters, workspace)
    }

    /// The end of a half: its last product, its adapters, the residual, and the normalization that follows.
    private func end(
        _ dense: FrozenLinear, _ input: Activations, _ rows: HiddenRows, _ norm: FrozenLayerNorm,
        _ adapters: FrozenAdapterBlock?, _ workspace: Workspace
    ) {
        guard let adapters, let memory = workspace.adapters else {
            return dense.add(
                input, to: rows.residual, normalizedBy: norm, into: rows.normalized, workspace.scratch)
        }
        dense.project(input, into: memory.hidden, workspace.scratch)
        adapters.apply(to: memory.hidden, residual: rows.residual, memory, workspace.scratch)
        rows.residual.add(memory.hidden)
        rows.normalized.normalize(rows.residual, by: norm)
    }
}

/// A matrix of weights with its bias.
private struct WeightsAndBias {
    let weights: StoredTensor
    let bias: Tensor?

    func rows(_ range: Range<Int>) -> WeightsAndBias {
        WeightsAndBias(
            weights: weights.rows(range), bias: bias.map { Tensor([range.count], Array($0.values[range])) })
    }
}

extension Linear {
    fileprivate var matrix: WeightsAndBias {
        let (weights, bias) = folded
        return WeightsAndBias(weights: weights, bias: bias)
    }
}

extension SelfAttention {
    /// What makes queries, and what makes keys and values.
    fileprivate var matrices: (WeightsAndBias, [WeightsAndBias]) {
        switch projections {
        case .separate(let query, let key, let value): return (query.matrix, [key.matrix, value.matrix])
        case .fused(let linear):
            let matrix = linear.matrix
            return (matrix.rows(0..<size), [matrix.rows(size..<3 * size)])
        }
    }
}

extension FeedForward {
    /// What is activated, and what gates it.
    fileprivate var matrices: [WeightsAndBias] {
        guard case .fusedGated(let activatedFirst) = kind else { return linears.map(\.matrix) }
        let (matrix, size) = (dense.matrix, dense.outputSize / 2)
        let halves = [matrix.rows(0..<size), matrix.rows(size..<2 * size)]
        return activatedFirst ? halves : halves.reversed()
    }
}

extension FrozenLinear {
    fileprivate convenience init(
        _ parts: [WeightsAndBias], precision: Precision, factors: [Float]? = nil, activation: Activation? = nil,
        isGated: Bool = false
    ) {
        self.init(
            parts.map(\.weights), biases: parts.map(\.bias), precision: precision, factors: factors,
            activation: activation, isGated: isGated)
    }
}

extension FrozenLayerNorm {
    init(_ norm: LayerNorm, factors: [Float]?) {
        self.init(
            weight: norm.weight.value, bias: norm.bias?.value, epsilon: norm.kind.epsilon,
            isCentered: norm.kind.isCentered, factors: factors)
    }
}
