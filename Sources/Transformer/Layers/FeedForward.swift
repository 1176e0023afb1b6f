public import Checkpoints
public import Tensors

/// The wide rows between a layer's attention and its output: `f(x·W₁ᵀ + b)`, or gated `f(x·Wᵀ) ⊙ x·Vᵀ`. The product with
/// the second matrix is the residual output's.
///
/// Sources: Vaswani et al. 2017, §3.3; Shazeer 2020, "GLU Variants Improve Transformer", §2.
public final class FeedForward {
    /// `W₁`, `W`, or both matrices of the gated kind in one.
    public let dense: Linear
    public let gate: Linear?
    let kind: FeedForwardKind
    let activation: Activation
    private let size: Int
    private let dropout: Float

    public struct Saved: Sendable {
        let dense: Linear.Saved
        let beforeActivation: Tensor  // [tokens, intermediateSize]
        let gate: Tensor?  // [tokens, intermediateSize]
        let gateInput: Linear.Saved?
        let mask: DropoutMask?
    }

    /// - Parameter scope: the layer's place.
    public init(_ scope: ParameterScope, _ architecture: EncoderArchitecture) throws(CheckpointError) {
        let size = architecture.intermediateSize
        func linear(_ name: String, _ outputSize: Int) throws(CheckpointError) -> Linear {
            try Linear(
                scope[name], inputSize: architecture.hiddenSize, outputSize: outputSize,
                hasBias: architecture.hasFeedForwardBias, standardDeviation: architecture.initializerRange)
        }
        kind = architecture.feedForward
        if case .fusedGated = kind {
            dense = try linear(architecture.names.intermediate, 2 * size)
        } else {
            dense = try linear(architecture.names.intermediate, size)
        }
        gate = kind == .gated ? try linear(architecture.names.gate, size) : nil
        activation = architecture.hiddenAct
        self.size = size
        dropout = architecture.intermediateDropout
    }

    public var linears: [Linear] { [dense] + (gate.map { [$0] } ?? []) }

    /// - Returns: `[tokens, intermediateSize]`
    public func forward(_ input: Tensor, training random: RandomSource?) -> (output: Tensor, saved: Saved) {
        let operand = ProductOperand(input, dense.precision)
        let (values, denseSaved) = dense.forward(operand, training: random)
        let gated = gate?.forward(operand, training: random)
        var (activated, factor) = (values, gated?.output)
        if case .fusedGated(let activatedFirst) = kind {
            let (first, second) = (values.columns(0..<size), values.columns(size..<2 * size))
            (activated, factor) = activatedFirst ? (first, second) : (second, first)
        }
        var output = factor.map { activated.gated(by: $0, activation) } ?? activated.activated(activation)
        let mask = DropoutMask(probability: dropout, random: random)
        output.apply(mask)
        return (
            output,
            Saved(
                dense: denseSaved, beforeActivation: activated, gate: factor, gateInput: gated?.saved, mask: mask)
        )
    }

    /// Adds to the gradients, and adds the gradient of the input to `inputGradient`.
    public func backward(_ gradient: consuming Tensor, _ saved: Saved, addingTo inputGradient: inout Tensor) {
        gradient.apply(saved.mask)
        guard let factor = saved.gate else {
            gradient.multiply(byDerivativeOf: activation, at: saved.beforeActivation)
            return dense.backward(gradient, saved.dense, addingTo: &inputGradient)
        }
        let inner = gradient.backpropagated(throughGate: factor, activation, at: saved.beforeActivation)
        if case .fusedGated(let activatedFirst) = kind {
            let halves = activatedFirst ? [inner.input, inner.gate] : [inner.gate, inner.input]
            dense.backward(Tensor(columns: halves), saved.dense, addingTo: &inputGradient)
        } else {
            dense.backward(inner.input, saved.dense, addingTo: &inputGradient)
            if let input = saved.gateInput { gate?.backward(inner.gate, input, addingTo: &inputGradient) }
        }
    }
}
