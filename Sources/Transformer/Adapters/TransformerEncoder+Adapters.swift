public import Tensors

/// Adapters on an encoder: any number attached, one of them active.
extension TransformerEncoder {
    /// Attaches an adapter and makes it the active one. The model's own parameters are frozen, but those that the adapter replaces.
    ///
    /// - Parameters:
    ///   - source: the adapter's parameters under the names that PEFT gives them behind `base_model.model.`; without a
    ///     checkpoint they are initialized, and the encoder computes what it did before.
    ///   - head: what stands on the encoder; all of it but the layer of the logits may be adapted too.
    ///   - saved: modules that learn as they are and are adapted by nobody: those whose names end with one of these.
    @discardableResult
    public func attach(
        _ configuration: AdapterConfiguration, name: String = "default", from source: ParameterSource,
        head: ClassificationHead? = nil, saved: [String] = []
    ) throws(AdapterError) -> Adapter {
        if adapters.contains(where: { $0.name == name }) { throw .nameTaken(name) }
        activate(nil)
        var assembly = AdapterAssembly(self, head: head, saved: saved, source)
        for parameter in assembly.all { parameter.isTrainable = false }
        try assembly.add(configuration, name: name)
        let adapter = Adapter(
            name: name, configuration: configuration, parameters: assembly.parameters, parts: assembly.parts)
        adapters.append(adapter)
        activate(adapter)
        return adapter
    }

    /// A name that no attached adapter has: this one, or where it is taken this one with a number.
    package func freeAdapterName(like name: String) -> String {
        let taken = Set(adapters.map(\.name))
        if !taken.contains(name) { return name }
        return (2...).lazy.map { "\(name)-\($0)" }.first { !taken.contains($0) }!
    }

    /// Makes one of the attached adapters the active one; `nil` leaves the base alone.
    public func activate(named name: String?) throws(AdapterError) {
        guard let name else { return activate(nil) }
        guard let adapter = adapters.first(where: { $0.name == name }) else {
            throw .unknownAdapter(name, known: adapters.map(\.name))
        }
        activate(adapter)
    }

    /// Takes an adapter away.
    public func detach(named name: String) throws(AdapterError) {
        guard let index = adapters.firstIndex(where: { $0.name == name }) else {
            throw .unknownAdapter(name, known: adapters.map(\.name))
        }
        if activeAdapter === adapters[index] { activate(nil) }
        adapters.remove(at: index)
    }

    private func activate(_ adapter: Adapter?) {
        if adapter === activeAdapter { return }
        activeAdapter?.deactivate(on: self)
        adapter?.activate(on: self)
        activeAdapter = adapter
    }

    /// What the parameters of the base become when they take the active adapter in; all that it changes.
    public func foldedValues() throws(AdapterError) -> [(parameter: Parameter, value: Tensor)] {
        guard let activeAdapter else { return [] }
        guard activeAdapter.configuration.isFoldable else {
            throw .notFoldable(name: activeAdapter.name, kind: activeAdapter.configuration.kind)
        }
        return activeAdapter.parts.flatMap { part -> [(parameter: Parameter, value: Tensor)] in
            switch part {
            case .linear(let linear, _):
                let (weight, bias) = linear.folded
                let biases = linear.bias.flatMap { parameter in bias.map { (parameter: parameter, value: $0) } }
                return [(linear.weight, weight.tensor)] + (biases.map { [$0] } ?? [])
            case .replacement(let replacement): return [(replacement.parameter, replacement.parameter.value)]
            case .block, .prompt, .prefix: preconditionFailure("a part that no parameter can take in")
            }
        }
    }
}
