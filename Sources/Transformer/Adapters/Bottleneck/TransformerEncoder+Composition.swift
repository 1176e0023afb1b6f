import Checkpoints
import Tensors

extension TransformerEncoder {
    /// Puts attached bottleneck adapters together as an adapter of its own, and makes that the active one. What learns of it
    /// is what a fusion chooses by; the adapters themselves are frozen.
    ///
    /// - Parameters:
    ///   - name: `nil` is the adapters' names with commas between them, as AdapterHub names a fusion.
    ///   - source: a fusion's parameters; without a checkpoint they are initialized.
    @discardableResult
    public func compose(
        _ composition: AdapterComposition, name: String? = nil, from source: ParameterSource
    ) throws(AdapterError) -> Adapter {
        let name = name ?? composition.names.joined(separator: ",")
        if adapters.contains(where: { $0.name == name }) { throw .nameTaken(name) }
        let members = try composition.names.map { name throws(AdapterError) in try bottleneckAdapter(named: name) }
        let weights = try composition.weights
        if case .fusion = composition, Set(members.map(\.places)).count > 1 {
            throw .differentPlaces(composition.names)
        }
        try activate(named: nil)
        for parameter in members.flatMap(\.parameters) { parameter.isTrainable = false }
        let before = source.parameters.count
        var parts: [Adapter.Part] = []
        var seen: Set<ObjectIdentifier> = []
        let names = architecture.names
        for (layer, path) in zip(layers, architecture.layerPaths) where seen.insert(ObjectIdentifier(layer)).inserted {
            for (place, placeName) in [
                (layer.attentionOutput, names.attentionAdapters), (layer.output, names.outputAdapters),
            ] {
                let found = members.map { $0.bottleneck(at: place) }
                let adapters = found.compactMap { $0 }
                if adapters.isEmpty { continue }
                let kind: AdapterBlock.Composition
                switch composition {
                case .stack: kind = .stack
                case .average:
                    // Where an adapter has left the layer out, the others share its weight.
                    let present = zip(found, weights).compactMap { $0 == nil ? nil : $1 }
                    let sum = present.reduce(0, +)
                    kind = .average(present.map { $0 / sum })
                case .fusion(_, let settings):
                    do {
                        let scope = source.root[names.prefix][path][placeName]["adapter_fusion_layer"][name]
                        kind = .fusion(
                            try AdapterFusion(
                                scope, settings, size: architecture.hiddenSize,
                                dropout: architecture.attentionProbsDropoutProb))
                    } catch { throw .checkpoint(error) }
                }
                parts.append(.block(place, AdapterBlock(adapters, kind)))
            }
        }
        let adapter = Adapter(
            name: name, configuration: .composition(composition), parameters: Array(source.parameters[before...]),
            parts: parts)
        adapters.append(adapter)
        try activate(named: name)
        return adapter
    }

    private func bottleneckAdapter(named name: String) throws(AdapterError) -> Adapter {
        guard let adapter = adapters.first(where: { $0.name == name }) else {
            throw .unknownAdapter(name, known: adapters.map(\.name))
        }
        guard case .bottleneck = adapter.configuration else {
            throw .notComposable(name: name, kind: adapter.configuration.kind)
        }
        return adapter
    }

    /// Leaves the adapters of the lowest layers out until the next call: `0` leaves out none.
    ///
    /// Source: Rücklé et al. 2021, "AdapterDrop: On the Efficiency of Adapters in Transformers", §4.
    public func skipAdapters(below layer: Int) {
        for (index, each) in layers.enumerated() {
            for block in each.adapterBlocks { block.isSkipped = index < layer }
        }
    }

    /// Adds the gradients by which training draws fusions' values to the identity. Once a step.
    public func regularizeFusions() {
        for block in layers.flatMap(\.adapterBlocks) where block.learns {
            if case .fusion(let fusion) = block.composition { fusion.regularize() }
        }
    }
}

extension Adapter {
    /// Whether it stands behind attention, and behind the dense layers.
    fileprivate var places: [Bool] {
        guard case .bottleneck(let settings) = configuration else { return [] }
        return [settings.isAfterAttention, settings.isAfterFeedForward]
    }

    fileprivate func bottleneck(at place: ResidualOutput) -> BottleneckAdapter? {
        for case .block(let own, let block) in parts where own === place { return block.adapters.first }
        return nil
    }
}

extension AdapterComposition {
    /// One for each adapter, with the sum 1.
    fileprivate var weights: [Float] {
        get throws(AdapterError) {
            guard case .average(let names, let given) = self else { return [] }
            let weights = given ?? names.map { _ in 1 }
            let sum = weights.reduce(0, +)
            guard weights.count == names.count, sum > 0, sum.isFinite else {
                throw .weights(weights, adapters: names.count)
            }
            return weights.map { $0 / sum }
        }
    }
}
