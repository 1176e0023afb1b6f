public import Tensors

/// One bottleneck at one place of an encoder: `s·(f(u·Dᵀ + b)·Uᵀ + c)`, with normalizations of its own where the
/// configuration has them.
///
/// Source: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP", §2.1 and figure 2.
public final class BottleneckAdapter {
    public let configuration: BottleneckConfiguration
    let normBefore: LayerNorm?
    let down: Projection
    let up: Projection
    let scaling: Parameter?  // [1] or [hiddenSize]
    let normAfter: LayerNorm?

    /// A matrix with its bias, kept whole or as a Kronecker sum.
    enum Projection {
        case plain(Linear)
        case hypercomplex(HypercomplexLinear)

        enum Saved: Sendable {
            case plain(Linear.Saved)
            case hypercomplex(HypercomplexLinear.Saved)
        }
    }

    /// Of the bottleneck.
    public struct Saved: Sendable {
        let normBefore: LayerNorm.Saved?
        let down, up: Projection.Saved
        let beforeActivation: Tensor  // [tokens, bottleneck]
        let beforeScaling: Tensor?  // [tokens, hiddenSize]
    }

    /// Of what follows the bottleneck.
    public struct JoinSaved: Sendable {
        let mask: DropoutMask?
        let normAfter: LayerNorm.Saved?
    }

    init(
        _ configuration: BottleneckConfiguration, normBefore: LayerNorm?, down: Projection, up: Projection,
        scaling: Parameter?, normAfter: LayerNorm?
    ) {
        self.configuration = configuration
        (self.normBefore, self.down, self.up) = (normBefore, down, up)
        (self.scaling, self.normAfter) = (scaling, normAfter)
    }

    /// Matrices that a training step packs.
    var linears: [Linear] {
        [down, up].compactMap { projection in
            if case .plain(let linear) = projection { linear } else { nil }
        }
    }

    var parameters: [Parameter] {
        [normBefore, normAfter].compactMap { $0 }.flatMap { [$0.weight] + ($0.bias.map { [$0] } ?? []) }
            + down.parameters + up.parameters + (scaling.map { [$0] } ?? [])
    }

    var bottleneckSize: Int { down.outputSize }

    // MARK: The bottleneck

    /// - Parameter input: `u`, `[tokens, hiddenSize]`.
    /// - Returns: `s·(f(u·Dᵀ + b)·Uᵀ + c)`, `[tokens, hiddenSize]`.
    public func forward(_ input: Tensor) -> (output: Tensor, saved: Saved) {
        let normalized = normBefore?.forward(input)
        let (inner, downSaved) = down.forward(normalized?.output ?? input)
        var (output, upSaved) = up.forward(inner.activated(configuration.activation))
        let beforeScaling = scaling.map { _ in output }
        if let scaling { output = output.scaled(by: scaling.value) }
        if case .constant(let factor) = configuration.scaling, factor != 1 { output.scale(by: factor) }
        return (
            output,
            Saved(
                normBefore: normalized?.saved, down: downSaved, up: upSaved, beforeActivation: inner,
                beforeScaling: beforeScaling)
        )
    }

    /// Adds to the gradients, and returns the gradient of the input.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var gradient = gradient
        if let scaling, let unscaled = saved.beforeScaling {
            scaling.accumulate { sum in
                let products = gradient * unscaled
                if sum.count == 1 {
                    let total = products.values.reduce(0 as Double) { $0 + Double($1) }
                    sum.mutate { $0[0] += Float(total) }
                } else {
                    sum.addSumOfRows(products)
                }
            }
            gradient = gradient.scaled(by: scaling.value)
        }
        if case .constant(let factor) = configuration.scaling, factor != 1 { gradient.scale(by: factor) }
        var inner = up.backward(gradient, saved.up)
        inner.multiply(byDerivativeOf: configuration.activation, at: saved.beforeActivation)
        let input = down.backward(inner, saved.down)
        guard let normBefore, let rows = saved.normBefore else { return input }
        return normBefore.backward(input, rows)
    }

    // MARK: Its residual

    /// `r + dropout(output)`, with the adapter's own normalization where it has one.
    func join(
        _ output: Tensor, residual: Tensor, training random: RandomSource?
    ) -> (output: Tensor, saved: JoinSaved) {
        var joined = output
        let mask = DropoutMask(probability: configuration.dropout, random: random)
        joined.apply(mask)
        if addsBeforeNorm { joined += residual }
        let normalized = normAfter?.forward(joined)
        joined = normalized?.output ?? joined
        if !addsBeforeNorm { joined += residual }
        return (joined, JoinSaved(mask: mask, normAfter: normalized?.saved))
    }

    /// The gradients of the bottleneck's result and of the residual.
    func backward(joined gradient: Tensor, _ saved: JoinSaved) -> (output: Tensor, residual: Tensor) {
        var output = gradient
        if let normAfter, let rows = saved.normAfter { output = normAfter.backward(output, rows) }
        let residual = addsBeforeNorm ? output : gradient
        output.apply(saved.mask)
        return (output, residual)
    }

    private var addsBeforeNorm: Bool { configuration.addsResidualBeforeOwnNorm && !configuration.isParallel }
}

extension BottleneckAdapter.Projection {
    func forward(_ input: Tensor) -> (output: Tensor, saved: Saved) {
        switch self {
        case .plain(let linear):
            let (output, saved) = linear.forward(input)
            return (output, .plain(saved))
        case .hypercomplex(let linear):
            let (output, saved) = linear.forward(input)
            return (output, .hypercomplex(saved))
        }
    }

    func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        switch (self, saved) {
        case (.plain(let linear), .plain(let saved)): linear.backward(gradient, saved)
        case (.hypercomplex(let linear), .hypercomplex(let saved)): linear.backward(gradient, saved)
        default: preconditionFailure("another projection's activations")
        }
    }

    var parameters: [Parameter] {
        switch self {
        case .plain(let linear): [linear.weight] + (linear.bias.map { [$0] } ?? [])
        case .hypercomplex(let linear):
            linear.rules.parameters + linear.blocks.parameters + (linear.bias.map { [$0] } ?? [])
        }
    }

    var outputSize: Int {
        switch self {
        case .plain(let linear): linear.weight.shape.rows
        case .hypercomplex(let linear): linear.outputSize
        }
    }

    /// `[outputSize, inputSize]`, and the bias.
    var matrix: (weight: Tensor, bias: Tensor?) {
        switch self {
        case .plain(let linear): (linear.weight.value, linear.bias?.value)
        case .hypercomplex(let linear): (linear.weight, linear.bias?.value)
        }
    }
}

extension Tensor {
    /// Every column times its factor, or all times the only one.
    fileprivate func scaled(by factors: Tensor) -> Tensor {
        if factors.count > 1 { return scaledRows(weight: factors, bias: nil) }
        var result = self
        result.scale(by: factors.values[0])
        return result
    }
}
