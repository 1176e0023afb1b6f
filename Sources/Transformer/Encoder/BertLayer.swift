public import Checkpoints
public import Tensors

/// One layer of a BERT encoder: self-attention, then two dense layers, each with a residual and a normalization behind.
///
/// Source: Vaswani et al. 2017, §3.1 and §3.3; Devlin et al. 2019, §3.
public final class BertLayer {
    public let attention: SelfAttention
    public let attentionOutput: ResidualOutput
    public let intermediate: Linear
    public let output: ResidualOutput
    let activation: Activation

    public struct Saved: Sendable {
        /// The first row of each sequence, where only those went on.
        let firstRows: [Int32]?
        let attention: SelfAttention.Saved
        let attentionOutput: ResidualOutput.Saved
        let intermediate: Linear.Saved
        let beforeActivation: Tensor  // [tokens, intermediateSize]
        let output: ResidualOutput.Saved
    }

    public init(_ scope: ParameterScope, _ configuration: BertConfiguration) throws(CheckpointError) {
        let (size, deviation) = (configuration.hiddenSize, configuration.initializerRange)
        attention = try SelfAttention(
            scope["attention"]["self"], hiddenSize: size, heads: configuration.numAttentionHeads,
            dropout: configuration.attentionProbsDropoutProb, standardDeviation: deviation)
        attentionOutput = try ResidualOutput(
            scope["attention"]["output"], inputSize: size, outputSize: size, epsilon: configuration.layerNormEps,
            dropout: configuration.hiddenDropoutProb, standardDeviation: deviation)
        intermediate = try Linear(
            scope["intermediate"]["dense"], inputSize: size, outputSize: configuration.intermediateSize,
            standardDeviation: deviation)
        output = try ResidualOutput(
            scope["output"], inputSize: configuration.intermediateSize, outputSize: size,
            epsilon: configuration.layerNormEps, dropout: configuration.hiddenDropoutProb,
            standardDeviation: deviation)
        activation = configuration.hiddenAct
    }

    /// - Parameters:
    ///   - hidden: `[tokens, hiddenSize]`
    ///   - firstOnly: whether the result is wanted for the first token of each sequence alone: for a head on top of the
    ///     last layer, all that need not be computed is not.
    /// - Returns: `[tokens, hiddenSize]`, or `[sequences, hiddenSize]`.
    public func forward(
        _ hidden: Tensor, _ sequences: [Range<Int>], firstOnly: Bool = false, training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let firstRows = firstOnly ? sequences.map { Int32($0.lowerBound) } : nil
        let queries = firstRows.map { hidden.gather($0) } ?? hidden
        let (context, attentionSaved) = attention.forward(
            hidden, sequences, queries: queries, firstOnly ? sequences.indices.map { $0..<$0 + 1 } : sequences,
            training: random)
        let (attended, attentionOutputSaved) = attentionOutput.forward(context, residual: queries, training: random)
        let (beforeActivation, intermediateSaved) = intermediate.forward(attended)
        let (result, outputSaved) = output.forward(
            beforeActivation.activated(activation), residual: attended, training: random)
        return (
            result,
            Saved(
                firstRows: firstRows, attention: attentionSaved, attentionOutput: attentionOutputSaved,
                intermediate: intermediateSaved, beforeActivation: beforeActivation, output: outputSaved)
        )
    }

    /// Adds to the gradients of the layer, and returns the gradient of its input, `[tokens, hiddenSize]`.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var (inner, attended) = output.backward(gradient, saved.output)
        inner.multiply(byDerivativeOf: activation, at: saved.beforeActivation)
        intermediate.backward(inner, saved.intermediate, addingTo: &attended)
        let (context, residual) = attentionOutput.backward(attended, saved.attentionOutput)
        var (hidden, queries) = attention.backward(context, saved.attention)
        queries += residual
        if let firstRows = saved.firstRows { hidden.scatterAdd(queries, at: firstRows) } else { hidden += queries }
        return hidden
    }
}
