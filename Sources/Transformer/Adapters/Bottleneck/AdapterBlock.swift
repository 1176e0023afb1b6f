package import Tensors

/// The bottleneck adapters at one place of a layer, and how they work together. With its normalization the place turns the
/// half's result `h` and its residual `x` into `LayerNorm(x + r + s·A(u))`.
///
/// Where a layer normalizes first, `u` and `x` are not normalized, as in the library's T5. Adapters that stand beside the
/// half add up in a stack; the library's keep the last one alone. Weights of averages sum to 1; the library divides by the
/// number of adapters once more.
///
/// Source: adapters 1.3, `BottleneckLayer`.
public final class AdapterBlock {
    let adapters: [BottleneckAdapter]
    let composition: Composition

    package enum Composition {
        /// One behind the other.
        case stack
        /// Side by side, their results weighted.
        case average([Float])
        /// Side by side, every token choosing among their results.
        case fusion(AdapterFusion)
    }

    public struct Saved: Sendable {
        let entries: [Entry]
        let bottlenecks: [BottleneckAdapter.Saved]
        let joins: [BottleneckAdapter.JoinSaved]
        let fusion: AdapterFusion.Saved?
        let norm: LayerNorm.Saved?
    }

    /// Of what an adapter reads.
    struct Entry: Sendable {
        let norm: LayerNorm.Saved?
    }

    /// - Precondition: there is an adapter.
    package init(_ adapters: [BottleneckAdapter], _ composition: Composition = .stack) {
        precondition(!adapters.isEmpty, "no adapters")
        (self.adapters, self.composition) = (adapters, composition)
    }

    /// Whether the place works as if there were no adapters.
    var isSkipped = false

    /// Whether a parameter of an adapter or of what puts them together learns.
    var learns: Bool { !isSkipped && parameters.contains(where: \.isTrainable) }

    private var parameters: [Parameter] {
        var parameters = adapters.flatMap(\.parameters)
        if case .fusion(let fusion) = composition { parameters += fusion.parameters }
        return parameters
    }

    var linears: [Linear] {
        var linears = adapters.flatMap(\.linears)
        if case .fusion(let fusion) = composition { linears += fusion.linears }
        return linears
    }

    /// Whose residual the composition has.
    var leading: BottleneckConfiguration {
        switch composition {
        case .stack, .average: adapters[0].configuration
        case .fusion: adapters[adapters.count - 1].configuration
        }
    }

    // MARK: Forward

    /// - Parameters: `hidden` is `h` and `residual` is `x`, `[tokens, hiddenSize]`.
    /// - Returns: what the layer's half leaves, `[tokens, hiddenSize]`.
    package func forward(
        _ hidden: Tensor, residual: Tensor, _ norm: LayerNorm?, training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        var hidden = hidden
        var entries: [Entry] = []
        var bottlenecks: [BottleneckAdapter.Saved] = []
        var joins: [BottleneckAdapter.JoinSaved] = []
        var fusionSaved: AdapterFusion.Saved?
        switch composition {
        case .stack:
            for adapter in adapters {
                let (input, own, entry) = enter(adapter.configuration, hidden, residual, norm)
                let (result, saved) = adapter.forward(input)
                let joined = adapter.join(result, residual: own, training: random)
                hidden = joined.output
                entries.append(entry)
                bottlenecks.append(saved)
                joins.append(joined.saved)
            }
        case .average(let weights):
            let (input, own, entry) = enter(leading, hidden, residual, norm)
            entries.append(entry)
            hidden = .zeros(input.shape)
            for (adapter, weight) in zip(adapters, weights) {
                let (result, saved) = adapter.forward(input)
                var joined = adapter.join(result, residual: own, training: random)
                joined.output.scale(by: weight)
                hidden += joined.output
                bottlenecks.append(saved)
                joins.append(joined.saved)
            }
        case .fusion(let fusion):
            let (input, own, entry) = enter(leading, hidden, residual, norm)
            entries.append(entry)
            let results = adapters.map { $0.forward(input) }
            bottlenecks = results.map(\.saved)
            (hidden, fusionSaved) = fusion.forward(input, results.map(\.output), training: random)
            hidden += own
        }
        var normSaved: LayerNorm.Saved?
        if let norm {
            (hidden, normSaved) = norm.forward(hidden, addedTo: residual, dropping: nil)
        } else {
            hidden += residual
        }
        return (
            hidden,
            Saved(entries: entries, bottlenecks: bottlenecks, joins: joins, fusion: fusionSaved, norm: normSaved)
        )
    }

    /// `u` and `r`.
    private func enter(
        _ configuration: BottleneckConfiguration, _ hidden: Tensor, _ residual: Tensor, _ norm: LayerNorm?
    ) -> (input: Tensor, residual: Tensor, saved: Entry) {
        if configuration.isParallel { return (residual, hidden, Entry(norm: nil)) }
        guard configuration.normalizesInput else { return (hidden, hidden, Entry(norm: nil)) }
        let sum = hidden + residual
        let normalized = norm?.forward(sum)
        let input = normalized?.output ?? sum
        let own =
            switch configuration.residual {
            case .beforeNorm: hidden
            case .afterAddition: sum
            case .afterNorm: input
            }
        return (input, own, Entry(norm: normalized?.saved))
    }

    // MARK: Backward

    /// Adds to the gradients, and returns those of `h` and `x`.
    package func backward(
        _ gradient: Tensor, _ saved: Saved, _ norm: LayerNorm?
    ) -> (hidden: Tensor, residual: Tensor) {
        var hidden = gradient
        if let norm, let rows = saved.norm { hidden = norm.backward(hidden, rows) }
        var residual = hidden
        switch composition {
        case .stack:
            for (index, adapter) in adapters.enumerated().reversed() {
                let (result, own) = adapter.backward(joined: hidden, saved.joins[index])
                hidden = leave(
                    adapter.configuration, adapter.backward(result, saved.bottlenecks[index]), own, &residual,
                    saved.entries[index], norm)
            }
        case .average(let weights):
            var (input, own) = (Tensor.zeros(hidden.shape), Tensor.zeros(hidden.shape))
            for (index, adapter) in adapters.enumerated() {
                var share = hidden
                share.scale(by: weights[index])
                let joined = adapter.backward(joined: share, saved.joins[index])
                own += joined.residual
                input += adapter.backward(joined.output, saved.bottlenecks[index])
            }
            hidden = leave(leading, input, own, &residual, saved.entries[0], norm)
        case .fusion(let fusion):
            guard let fusionSaved = saved.fusion else { preconditionFailure("no fusion was saved") }
            var (input, results) = fusion.backward(hidden, fusionSaved)
            for (index, adapter) in adapters.enumerated() {
                input += adapter.backward(results[index], saved.bottlenecks[index])
            }
            hidden = leave(leading, input, hidden, &residual, saved.entries[0], norm)
        }
        return (hidden, residual)
    }

    /// The gradient of `h` from those of `u` and `r`; adds that of `x`.
    private func leave(
        _ configuration: BottleneckConfiguration, _ input: Tensor, _ own: Tensor, _ residual: inout Tensor,
        _ saved: Entry, _ norm: LayerNorm?
    ) -> Tensor {
        if configuration.isParallel {
            residual += input
            return own
        }
        guard configuration.normalizesInput else { return input + own }
        var sum = configuration.residual == .afterNorm ? input + own : input
        if let norm, let rows = saved.norm { sum = norm.backward(sum, rows) }
        if configuration.residual == .afterAddition { sum += own }
        residual += sum
        return configuration.residual == .beforeNorm ? sum + own : sum
    }
}
