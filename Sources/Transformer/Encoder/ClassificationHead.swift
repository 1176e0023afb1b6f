public import Checkpoints
public import Tensors

/// What stands on an encoder for classification, of texts or of tokens: a dense layer with an activation, where the
/// family has one, and the layer of the logits. BERT's dense layer is its pooler.
///
/// Source: Devlin et al. 2019, "BERT", §4.1 and the released code's `pooler`; other families' layouts as transformers
/// publishes them, described by `HeadArchitecture`.
public final class ClassificationHead {
    public let architecture: HeadArchitecture
    public let dense: Linear?
    public let norm: LayerNorm?
    public let output: Linear

    public struct Saved: Sendable {
        let inputMask: DropoutMask?
        let dense: Linear.Saved?
        let beforeActivation: Tensor?  // [sequences, hiddenSize]
        let norm: LayerNorm.Saved?
        let mask: DropoutMask?
        let output: Linear.Saved
    }

    /// - Parameters:
    ///   - root: the root of a checkpoint.
    ///   - newRoot: where the layers of a head for other labels come from.
    ///   - head: `nil` is the encoder's own for texts.
    public init(
        _ root: ParameterScope, new newRoot: ParameterScope? = nil, _ encoder: EncoderArchitecture,
        head: HeadArchitecture? = nil, labels: Int
    ) throws(CheckpointError) {
        let architecture = head ?? encoder.head
        self.architecture = architecture
        let size = encoder.hiddenSize
        let scope = newRoot ?? root
        let denseScope = architecture.keepsDense ? root : scope
        dense = try architecture.dense.map { name throws(CheckpointError) in
            try Linear(
                denseScope[name], inputSize: size, outputSize: size, hasBias: architecture.denseHasBias,
                standardDeviation: encoder.initializerRange)
        }
        norm = try architecture.norm.map { name throws(CheckpointError) in
            try LayerNorm(denseScope[name], size: size, encoder.normalization)
        }
        output = try Linear(
            scope[architecture.output], inputSize: size, outputSize: labels,
            standardDeviation: encoder.initializerRange)
    }

    /// - Parameter features: the summary of every sequence, `[sequences, hiddenSize]`, or the hidden state of every token.
    /// - Returns: `[sequences, labels]`
    public func forward(
        _ features: Tensor, training random: RandomSource? = nil
    ) -> (logits: Tensor, saved: Saved) {
        var hidden = features
        let inputMask = DropoutMask(probability: architecture.inputDropout, random: random)
        hidden.apply(inputMask)
        let projected = dense?.forward(hidden, training: random)
        if let projected { hidden = projected.output.activated(architecture.activation) }
        let normalized = norm?.forward(hidden)
        hidden = normalized?.output ?? hidden
        let mask = DropoutMask(probability: architecture.dropout, random: random)
        hidden.apply(mask)
        let (logits, outputSaved) = output.forward(hidden)
        return (
            logits,
            Saved(
                inputMask: inputMask, dense: projected?.saved, beforeActivation: projected?.output,
                norm: normalized?.saved, mask: mask, output: outputSaved)
        )
    }

    /// Adds to the gradients, and returns the gradient of the features.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var gradient = output.backward(gradient, saved.output)
        gradient.apply(saved.mask)
        if let norm, let rows = saved.norm { gradient = norm.backward(gradient, rows) }
        if let dense, let input = saved.dense, let beforeActivation = saved.beforeActivation {
            gradient.multiply(byDerivativeOf: architecture.activation, at: beforeActivation)
            gradient = dense.backward(gradient, input)
        }
        gradient.apply(saved.inputMask)
        return gradient
    }

    /// Packs the matrices until they change.
    public func pack() {
        dense?.pack()
        output.pack()
    }
}

extension HeadPooling {
    /// - Parameter hidden: `[tokens, hiddenSize]`, or for `first` the first tokens' states, which are the result.
    /// - Returns: `[sequences, hiddenSize]`
    public func pool(_ hidden: Tensor, _ sequences: [Range<Int>]) -> Tensor {
        switch self {
        case .first: hidden
        case .mean: hidden.weightedSums(of: sequences) { _, length in 1 / Float(length) }
        }
    }

    /// The gradient of `hidden` from that of the result.
    public func backward(_ gradient: Tensor, _ sequences: [Range<Int>]) -> Tensor {
        switch self {
        case .first: return gradient
        case .mean:
            var scaled = gradient
            scaled.mutate { values in
                for (row, sequence) in sequences.enumerated() {
                    for i in row * gradient.columns..<(row + 1) * gradient.columns {
                        values[i] /= Float(sequence.count)
                    }
                }
            }
            return scaled.gather(
                sequences.indices.flatMap { repeatElement(Int32($0), count: sequences[$0].count) })
        }
    }
}
