import Tensors

/// The bottleneck adapters at one place of an inference plan's layer.
struct FrozenAdapterBlock: Sendable {
    private let adapters: [FrozenBottleneck]
    private let composition: Composition
    private let leading: BottleneckConfiguration
    /// Of the layer, as adapters read it; `nil` where the layer normalizes first.
    private let norm: FrozenLayerNorm?

    private enum Composition: Sendable {
        case stack
        case average([Float])
        case fusion(FrozenFusion)
    }

    /// - Parameter norm: the layer's own, behind this place.
    init(_ block: AdapterBlock, norm: LayerNorm?, precision: Precision) {
        adapters = block.adapters.map { FrozenBottleneck($0, precision: precision) }
        composition =
            switch block.composition {
            case .stack: .stack
            case .average(let weights): .average(weights)
            case .fusion(let fusion): .fusion(FrozenFusion(fusion, precision: precision))
            }
        leading = block.leading
        self.norm = norm.map { FrozenLayerNorm($0, factors: nil) }
    }

    /// Replaces `h`, what the layer's half computed, by what `x` is added to.
    ///
    /// - Parameter residual: `x`, of as many rows.
    func apply(to hidden: Activations, residual: Activations, _ workspace: AdapterWorkspace, _ scratch: ProductScratch)
    {
        switch composition {
        case .stack:
            for adapter in adapters {
                enter(adapter.configuration, hidden, residual, workspace)
                adapter.add(workspace.input, to: hidden, workspace, scratch)
            }
        case .average(let weights):
            enter(leading, hidden, residual, workspace)
            let sum = workspace.sum
            sum.fill(rows: hidden.rows, with: 0)
            for (adapter, weight) in zip(adapters, weights) {
                let joined = workspace.joined
                joined.copy(hidden)
                adapter.add(workspace.input, to: joined, workspace, scratch)
                sum.add(joined, times: weight)
            }
            hidden.copy(sum)
        case .fusion(let fusion):
            enter(leading, hidden, residual, workspace)
            for (index, adapter) in adapters.enumerated() {
                adapter.project(workspace.input, into: workspace.results[index], workspace, scratch)
            }
            fusion.add(workspace.input, adapters.count, to: hidden, workspace, scratch)
        }
    }

    /// Writes `u` to the workspace's input, and makes `hidden` the adapter's own residual `r`.
    private func enter(
        _ configuration: BottleneckConfiguration, _ hidden: Activations, _ residual: Activations,
        _ workspace: AdapterWorkspace
    ) {
        let input = workspace.input
        if configuration.isParallel { return input.normalize(residual, by: nil) }
        guard configuration.normalizesInput else { return input.normalize(hidden, by: nil) }
        let sum = workspace.sum
        sum.copy(hidden)
        sum.add(residual)
        input.normalize(sum, by: norm)
        switch configuration.residual {
        case .beforeNorm: break
        case .afterAddition: hidden.copy(sum)
        case .afterNorm: hidden.copy(input)
        }
    }
}

/// One bottleneck of an inference plan.
private struct FrozenBottleneck: Sendable {
    let configuration: BottleneckConfiguration
    private let normBefore, normAfter: FrozenLayerNorm?
    private let down, up: FrozenLinear

    init(_ adapter: BottleneckAdapter, precision: Precision) {
        configuration = adapter.configuration
        normBefore = adapter.normBefore.map { FrozenLayerNorm($0, factors: nil) }
        normAfter = adapter.normAfter.map { FrozenLayerNorm($0, factors: nil) }
        let (downMatrix, upMatrix) = (adapter.down.matrix, adapter.scaledUp)
        down = FrozenLinear(
            [StoredTensor(downMatrix.weight)], biases: [downMatrix.bias], precision: precision,
            activation: configuration.activation)
        up = FrozenLinear([StoredTensor(upMatrix.weight)], biases: [upMatrix.bias], precision: precision)
    }

    /// Adds the bottleneck's result to its residual.
    func add(_ input: Activations, to residual: Activations, _ workspace: AdapterWorkspace, _ scratch: ProductScratch) {
        let inner = squeeze(input, workspace, scratch)
        guard let normAfter else { return up.add(inner, to: residual, normalizedBy: nil, scratch) }
        let result = workspace.results[0]
        up.project(inner, into: result, scratch)
        let addsFirst = configuration.addsResidualBeforeOwnNorm && !configuration.isParallel
        if addsFirst { result.add(residual) }
        result.normalize(result, by: normAfter)
        if addsFirst { residual.copy(result) } else { residual.add(result) }
    }

    /// The bottleneck's result by itself.
    func project(
        _ input: Activations, into result: Activations, _ workspace: AdapterWorkspace, _ scratch: ProductScratch
    ) {
        up.project(squeeze(input, workspace, scratch), into: result, scratch)
    }

    private func squeeze(
        _ input: Activations, _ workspace: AdapterWorkspace, _ scratch: ProductScratch
    ) -> Activations {
        let inner = workspace.inner(columns: down.outputSize)
        var source = input
        if let normBefore {
            source = workspace.normalized
            source.normalize(input, by: normBefore)
        }
        down.project(source, into: inner, scratch)
        return inner
    }
}

extension BottleneckAdapter {
    /// The second matrix with the scale in it.
    fileprivate var scaledUp: (weight: Tensor, bias: Tensor?) {
        var (weight, bias) = up.matrix
        let factors: Tensor
        switch configuration.scaling {
        case .constant(1): return (weight, bias)
        case .constant(let factor): factors = Tensor(repeating: factor, [weight.rows])
        case .learned, .learnedByChannel:
            let values = scaling?.value ?? Tensor(repeating: 1, [1])
            factors = values.count == 1 ? Tensor(repeating: values.values[0], [weight.rows]) : values
        }
        let columns = weight.columns
        weight.mutate { values in for i in values.indices { values[i] *= factors.values[i / columns] } }
        bias = bias.map { $0 * factors }
        return (weight, bias)
    }
}

/// AdapterFusion in an inference plan.
private struct FrozenFusion: Sendable {
    private let query, key: FrozenLinear
    private let value: FrozenLinear?

    init(_ fusion: AdapterFusion, precision: Precision) {
        func freeze(_ linear: Linear) -> FrozenLinear {
            FrozenLinear([linear.weight.stored], biases: [linear.bias?.value], precision: precision)
        }
        (query, key) = (freeze(fusion.query), freeze(fusion.key))
        value = fusion.value.map(freeze)
    }

    /// Adds `Σᵢ pᵢ·V(aᵢ)` to `hidden`; `aᵢ` are the workspace's results.
    func add(
        _ input: Activations, _ count: Int, to hidden: Activations, _ workspace: AdapterWorkspace,
        _ scratch: ProductScratch
    ) {
        query.project(input, into: workspace.queries, scratch)
        var scores: [Tensor] = []
        for result in workspace.results[..<count] {
            key.project(result, into: workspace.joined, scratch)
            scores.append(workspace.queries.rowProducts(workspace.joined))
        }
        let probabilities = Tensor(columns: scores).softmaxedRows()
        for (index, result) in workspace.results[..<count].enumerated() {
            var values = result
            if let value {
                value.project(result, into: workspace.joined, scratch)
                values = workspace.joined
            }
            hidden.add(values, rowsTimes: probabilities.columns(index..<index + 1).values)
        }
    }
}

/// The memory in which adapters compute a batch, kept for the next.
struct AdapterWorkspace: Sendable {
    /// What the layer's half computed, and then what adapters made of it.
    let hidden: Activations
    let input, normalized: Activations
    let sum, joined, queries: Activations
    /// Of adapters side by side.
    let results: [Activations]
    private let inner: [Activations]

    struct Sizes: Sendable {
        let bottlenecks: [Int]
        /// How many adapters stand side by side.
        let width: Int

        /// - Returns: `nil` without adapters.
        init?(_ encoder: TransformerEncoder) {
            let blocks = encoder.layers.flatMap(\.adapterBlocks)
            if blocks.isEmpty { return nil }
            bottlenecks = Set(blocks.flatMap(\.adapters).map(\.bottleneckSize)).sorted()
            width = blocks.map(\.adapters.count).max() ?? 1
        }
    }

    init(_ sizes: Sizes, hiddenSize: Int, _ precision: Precision) {
        func rows(_ precision: Precision = .f32) -> Activations { Activations(columns: hiddenSize, for: precision) }
        (hidden, sum, joined, queries) = (rows(), rows(), rows(), rows())
        (input, normalized) = (rows(precision), rows(precision))
        results = (0..<sizes.width).map { _ in rows(precision) }
        inner = sizes.bottlenecks.map { Activations(columns: $0, for: precision) }
    }

    func inner(columns: Int) -> Activations {
        guard let found = inner.first(where: { $0.columns == columns }) else {
            preconditionFailure("no memory for \(columns) columns")
        }
        return found
    }
}
