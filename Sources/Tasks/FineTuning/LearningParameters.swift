package import Transformer

/// Which parameters learn in an epoch, and how fast.
package struct LearningParameters {
    /// Those that learn in some epoch.
    package let parameters: [Parameter]
    /// Of each.
    package let groups: [ParameterGroup]
    private let model: any TrainableModel
    private let configuration: FineTuning.Configuration

    package init(_ model: any TrainableModel, _ configuration: FineTuning.Configuration) throws(OptimizationError) {
        self.model = model
        self.configuration = configuration
        let layers = model.encoder.layers.count
        let topK = configuration.optimization.topKLayers
        if configuration.method == .topK, topK > layers { throw .tooManyLayers(topK, layers: layers) }
        let last = max(1, configuration.epochs)
        precondition(!configuration.method.isAdapter || model.encoder.activeAdapter != nil, "no adapter was attached")
        parameters = model.parameters.filter { Self.learns($0, model, configuration, epoch: last) }
        groups = try Self.groups(parameters, model, configuration)
    }

    /// Lets learn what learns in an epoch, counted from 1, and nothing else.
    package func choose(epoch: Int) {
        for parameter in model.parameters {
            parameter.isTrainable = Self.learns(parameter, model, configuration, epoch: epoch)
        }
    }

    /// Whether a parameter was not pretrained: as a rule that of a new head.
    static func isNew(_ parameter: Parameter, _ model: any TrainableModel) -> Bool {
        let output = model.head.output
        return parameter.isNew || parameter === output.weight || parameter === output.bias
    }

    /// An adapter may have parameters above all layers, too.
    private static func isOfHead(_ parameter: Parameter, _ model: any TrainableModel) -> Bool {
        let head = model.head
        return [
            head.dense?.weight, head.dense?.bias, head.norm?.weight, head.norm?.bias, head.output.weight,
            head.output.bias,
        ].contains { $0 === parameter }
    }

    private static func learns(
        _ parameter: Parameter, _ model: any TrainableModel, _ configuration: FineTuning.Configuration, epoch: Int
    ) -> Bool {
        let top = model.encoder.layers.count + 1
        let depth = model.encoder.depth(of: parameter)
        switch configuration.method {
        case .head, .fewShot: return depth == top && !model.encoder.parameters.contains { $0 === parameter }
        case .full: return true
        case .topK: return depth >= top - configuration.optimization.topKLayers
        case .gradual: return depth > top - groupsFreed(in: epoch, of: configuration.epochs, groups: top + 1)
        case .pfeiffer, .houlsby, .parallel, .compacter, .compacterPlusPlus, .fusion:
            let adapters = model.encoder.adapters
            if let active = model.encoder.activeAdapter, active.parameters.contains(where: { $0 === parameter }) {
                return true
            }
            return !(model.encoder.parameters + adapters.flatMap(\.parameters)).contains { $0 === parameter }
        case .lora, .ia3, .prompt, .prefix:
            return model.encoder.activeAdapter?.parameters.contains { $0 === parameter } ?? false
        case .bitfit: return isNew(parameter, model) || parameter.name.hasSuffix("bias")
        }
    }

    /// One more each epoch, and where epochs are fewer than groups as many more as let all learn in the last.
    private static func groupsFreed(in epoch: Int, of epochs: Int, groups: Int) -> Int {
        max(epoch, (epoch * groups + epochs - 1) / epochs)
    }

    private static func groups(
        _ parameters: [Parameter], _ model: any TrainableModel, _ configuration: FineTuning.Configuration
    ) throws(OptimizationError) -> [ParameterGroup] {
        let optimization = configuration.optimization
        let decay = optimization.layerDecay ?? configuration.method.usualLayerDecay
        let top = model.encoder.layers.count + 1
        var groups = parameters.map { parameter in
            let depth = model.encoder.depth(of: parameter)
            var factor = 1.0
            for _ in depth..<top { factor *= decay }
            if isOfHead(parameter, model), let rate = optimization.headLearningRate {
                factor = rate / configuration.learningRate
            }
            if parameter.name.contains("lora_B") { factor *= optimization.loraPlusRatio }
            return ParameterGroup(parameter, rateFactor: factor, weightDecay: configuration.weightDecay)
        }
        for pattern in optimization.patterns {
            guard let expression = try? Regex(pattern.expression) else { throw .invalidPattern(pattern.expression) }
            let matches = parameters.indices.filter { parameters[$0].name.firstMatch(of: expression) != nil }
            if matches.isEmpty {
                throw .patternMatchesNothing(pattern.expression, names: parameters.suffix(4).map(\.name))
            }
            for index in matches { groups[index].rateFactor = pattern.rate / configuration.learningRate }
        }
        return groups
    }
}
