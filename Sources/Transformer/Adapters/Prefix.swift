import Tensors

/// Learned keys and values in front of those of every text, in every layer: parameters themselves, or made of smaller ones by
/// `tanh(E·W₁ᵀ + b₁)·W₂ᵀ + b₂`.
///
/// Source: Li and Liang 2021, "Prefix-Tuning: Optimizing Continuous Prompts for Generation", §4.2 and §4.3.
public final class Prefix {
    /// `[virtualTokens, 2·layers·attentionSize]`: of each layer the keys, then the values; with a network
    /// `[virtualTokens, hiddenSize]`.
    public let embeddings: Parameter
    let network: Network?
    let shiftsPlaces: Bool

    struct Network {
        let first, second: Linear
    }

    struct Saved: Sendable {
        let first, second: Linear.Saved
        let beforeActivation: Tensor  // [virtualTokens, projectionSize]
    }

    init(embeddings: Parameter, network: Network?, shiftsPlaces: Bool) {
        self.embeddings = embeddings
        self.network = network
        self.shiftsPlaces = shiftsPlaces
    }

    var virtualTokens: Int { embeddings.shape.rows }
    var learns: Bool {
        embeddings.isTrainable || (network.map { $0.first.learns || $0.second.learns } ?? false)
    }

    /// - Returns: the keys and values of all layers, `[virtualTokens, 2·layers·attentionSize]`.
    func forward() -> (output: Tensor, saved: Saved?) {
        guard let network else { return (embeddings.value, nil) }
        let (inner, first) = network.first.forward(embeddings.value)
        let (output, second) = network.second.forward(inner.activated(.tanh))
        return (output, Saved(first: first, second: second, beforeActivation: inner))
    }

    /// Adds to the gradients.
    func backward(_ gradient: Tensor, _ saved: Saved?) {
        guard let network, let saved else { return embeddings.accumulate { $0 += gradient } }
        var inner = network.second.backward(gradient, saved.second)
        inner.multiply(byDerivativeOf: .tanh, at: saved.beforeActivation)
        let embedded = network.first.backward(inner, saved.first)
        embeddings.accumulate { $0 += embedded }
    }
}

/// What a prefix puts in front of the keys and values of one layer, or the gradients of that; `[virtualTokens, attentionSize]`.
public struct LayerPrefix: Sendable {
    let key, value: Tensor

    /// - Parameter all: of all layers, as `Prefix.forward` gives it.
    init(_ all: Tensor, layer: Int, size: Int) {
        let start = 2 * layer * size
        self.init(key: all.columns(start..<start + size), value: all.columns(start + size..<start + 2 * size))
    }

    init(key: Tensor, value: Tensor) {
        self.key = key
        self.value = value
    }
}
