public import Checkpoints
public import Tensors

/// `tanh(h·Wᵀ + b)` of the first token's hidden state: BERT's summary of a sequence for classification.
///
/// Source: Devlin et al. 2019, "BERT", §3.1 and appendix A.4; the released code's `pooler`.
public final class BertPooler {
    public let dense: Linear

    public struct Saved: Sendable {
        let dense: Linear.Saved
        let beforeActivation: Tensor  // [sequences, hiddenSize]
    }

    public init(_ scope: ParameterScope, _ configuration: BertConfiguration) throws(CheckpointError) {
        dense = try Linear(
            scope["dense"], inputSize: configuration.hiddenSize, outputSize: configuration.hiddenSize,
            standardDeviation: configuration.initializerRange)
    }

    /// - Parameter first: the first token's hidden state of every sequence, `[sequences, hiddenSize]`, as is the result.
    public func forward(_ first: Tensor) -> (output: Tensor, saved: Saved) {
        let (beforeActivation, saved) = dense.forward(first)
        return (beforeActivation.activated(.tanh), Saved(dense: saved, beforeActivation: beforeActivation))
    }

    /// Adds to the gradients, and returns the gradient of the first hidden states.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var gradient = gradient
        gradient.multiply(byDerivativeOf: .tanh, at: saved.beforeActivation)
        return dense.backward(gradient, saved.dense)
    }
}
