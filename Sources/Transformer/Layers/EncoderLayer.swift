public import Checkpoints
public import Tensors

/// One layer of an encoder: self-attention, then dense layers, each with a residual. A normalization stands behind each
/// half (post-norm) or before it (pre-norm).
///
/// Sources: Vaswani et al. 2017, §3.1 and §3.3; Xiong et al. 2020, "On Layer Normalization in the Transformer
/// Architecture", figure 1.
public final class EncoderLayer {
    /// Of pre-norm layers: of what attention reads, and of what the dense layers read.
    public let attentionNorm: LayerNorm?
    public let feedForwardNorm: LayerNorm?
    public let attention: SelfAttention
    public let attentionOutput: ResidualOutput
    public let feedForward: FeedForward
    public let output: ResidualOutput
    public let parameters: [Parameter]

    public struct Saved: Sendable {
        /// The first row of each sequence, where only those went on.
        let firstRows: [Int32]?
        let attentionNorm, feedForwardNorm: LayerNorm.Saved?
        let attention: SelfAttention.Saved
        let attentionOutput: ResidualOutput.Saved
        let feedForward: FeedForward.Saved
        let output: ResidualOutput.Saved
    }

    /// - Parameters:
    ///   - scope: the layer's place.
    ///   - index: which layer it is, from the bottom.
    ///   - relativeBias: shared by the layers of an encoder, as are `relativeEmbeddings` and `rotary`.
    public init(
        _ scope: ParameterScope, _ architecture: EncoderArchitecture, index: Int = 0,
        relativeBias: RelativeAttentionBias? = nil, relativeEmbeddings: RelativeEmbeddings? = nil,
        rotary: RotaryTable? = nil
    ) throws(CheckpointError) {
        let before = scope.source.parameters.count
        let names = architecture.names
        func norm(_ name: String) throws(CheckpointError) -> LayerNorm {
            try LayerNorm(scope[name], size: architecture.hiddenSize, architecture.normalization)
        }
        func residual(
            _ name: String, norm normName: String, inputSize: Int, hasBias: Bool, dropout: Float?
        ) throws(CheckpointError) -> ResidualOutput {
            ResidualOutput(
                dense: try Linear(
                    scope[name], inputSize: inputSize, outputSize: architecture.hiddenSize, hasBias: hasBias,
                    standardDeviation: architecture.initializerRange),
                layerNorm: architecture.isPreNorm ? nil : try norm(normName),
                dropout: dropout ?? architecture.hiddenDropoutProb)
        }
        let isLocal = architecture.localAttention?.layers.contains(index) ?? false
        attentionNorm =
            architecture.isPreNorm && (index > 0 || architecture.normalizesFirstInput)
            ? try norm(names.attentionNorm) : nil
        attention = try SelfAttention(
            scope, architecture, window: isLocal ? architecture.localAttention?.window : nil,
            relativeBias: relativeBias, relativeEmbeddings: relativeEmbeddings, rotary: rotary)
        attentionOutput = try residual(
            names.attentionOutput, norm: names.attentionNorm, inputSize: architecture.attentionSize,
            hasBias: architecture.hasAttentionOutputBias, dropout: architecture.attentionOutputDropout)
        feedForwardNorm = architecture.isPreNorm ? try norm(names.outputNorm) : nil
        feedForward = try FeedForward(scope, architecture)
        output = try residual(
            names.output, norm: names.outputNorm, inputSize: architecture.intermediateSize,
            hasBias: architecture.hasOutputBias, dropout: architecture.outputDropout)
        parameters = Array(scope.source.parameters[before...])
    }

    /// Whether a parameter of the layer or of an adapter in it learns.
    var learns: Bool {
        parameters.contains(where: \.isTrainable) || linears.contains(where: \.learns)
            || adapterBlocks.contains(where: \.learns)
    }

    /// Bottlenecks behind attention and behind the dense layers.
    var adapterBlocks: [AdapterBlock] { [attentionOutput.adapters, output.adapters].compactMap { $0 } }

    public var linears: [Linear] {
        attention.linears + (attention.positions?.ownLinears ?? []) + [attentionOutput.dense] + feedForward.linears + [
            output.dense
        ]
    }

    /// - Parameters:
    ///   - hidden: `[tokens, hiddenSize]`
    ///   - prefix: stands in front of the keys and values of every sequence.
    ///   - firstOnly: whether the result is wanted for the first token of each sequence alone: for a head on top of the
    ///     last layer, all that need not be computed is not.
    /// - Returns: `[tokens, hiddenSize]`, or `[sequences, hiddenSize]`.
    public func forward(
        _ hidden: Tensor, _ sequences: [Range<Int>], prefix: LayerPrefix? = nil, firstOnly: Bool = false,
        training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let firstRows = firstOnly ? sequences.map { Int32($0.lowerBound) } : nil
        let residual = firstRows.map { hidden.gather($0) } ?? hidden
        let normalized = attentionNorm?.forward(hidden)
        let (context, attentionSaved) = attention.forward(
            normalized?.output ?? hidden, sequences, prefix: prefix, firstRows: firstRows, training: random)
        let (attended, attentionOutputSaved) = attentionOutput.forward(context, residual: residual, training: random)
        let normalizedAttended = feedForwardNorm?.forward(attended)
        let (inner, feedForwardSaved) = feedForward.forward(
            normalizedAttended?.output ?? attended, training: random)
        let (result, outputSaved) = output.forward(inner, residual: attended, training: random)
        return (
            result,
            Saved(
                firstRows: firstRows, attentionNorm: normalized?.saved, feedForwardNorm: normalizedAttended?.saved,
                attention: attentionSaved, attentionOutput: attentionOutputSaved, feedForward: feedForwardSaved,
                output: outputSaved)
        )
    }

    /// Adds to the gradients of the layer, and returns the gradient of its input, `[tokens, hiddenSize]`.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var prefix: LayerPrefix?
        return backward(gradient, saved, prefix: &prefix)
    }

    /// - Parameter prefix: becomes the gradient of the prefix, where there was one.
    func backward(_ gradient: Tensor, _ saved: Saved, prefix: inout LayerPrefix?) -> Tensor {
        let wide: Tensor
        var attended: Tensor
        (wide, attended) = output.backward(gradient, saved.output)
        if let feedForwardNorm, let rows = saved.feedForwardNorm {
            var normalized = Tensor.zeros(attended.shape)
            feedForward.backward(consume wide, saved.feedForward, addingTo: &normalized)
            attended += feedForwardNorm.backward(normalized, rows)
        } else {
            feedForward.backward(consume wide, saved.feedForward, addingTo: &attended)
        }
        let (inner, residual) = attentionOutput.backward(attended, saved.attentionOutput)
        var hidden = attention.backward(inner, saved.attention, prefix: &prefix)
        if let attentionNorm, let rows = saved.attentionNorm { hidden = attentionNorm.backward(hidden, rows) }
        if let firstRows = saved.firstRows { hidden.scatterAdd(residual, at: firstRows) } else { hidden += residual }
        return hidden
    }
}
