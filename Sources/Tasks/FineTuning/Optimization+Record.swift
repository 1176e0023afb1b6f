import JSON
import Transformer

extension Optimization {
    /// What `graft.json` says of it: all that is other than nothing.
    func record(_ method: FineTuning.Method) -> JSONObject {
        var object: JSONObject = [:]
        if !method.learnsHeadAlone || headSolver == .steps {
            let kind = schedule ?? method.usualSchedule
            object["optimizer"] = .string(algorithm.rawValue)
            object["schedule"] = .string(kind.rawValue)
            if kind == .polynomial { object["schedule_power"] = .number(power) }
            switch warmup ?? .ratio(kind.usualWarmup) {
            case .ratio(let ratio): object["warmup_ratio"] = .number(ratio)
            case .steps(let steps): object["warmup_steps"] = .integer(steps)
            }
            object["max_gradient_norm"] = .number(maxGradientNorm)
            object["accumulate"] = .integer(accumulation)
            object["layer_decay"] = .number(layerDecay ?? method.usualLayerDecay)
        }
        if method == .topK { object["top_k_layers"] = .integer(topKLayers) }
        object["head_learning_rate"] = headLearningRate.map { .number($0) }
        if !patterns.isEmpty {
            object["learning_rate_for"] = .array(
                patterns.map { .object(["regex": .string($0.expression), "rate": .number($0.rate)]) })
        }
        func add(_ key: String, _ value: Double, absent: Double = 0) {
            if value != absent { object[key] = .number(value) }
        }
        add("lora_plus_ratio", loraPlusRatio, absent: 1)
        add("label_smoothing", objective.labelSmoothing)
        add("focal_gamma", objective.focalGamma)
        object["class_weights"] = objective.classWeights.map { .array($0.map { .number($0) }) }
        if dropsAdapters { object["adapter_drop"] = .bool(true) }
        if objective.isOrdinal { object["ordinal"] = .bool(true) }
        object["huber_delta"] = objective.huberDelta.map { .number($0) }
        add("r_drop", objective.rDrop)
        add("mixup", mixupAlpha)
        add("mixout", readable(mixout))
        add("l2_sp", startingPointPenalty)
        add("fgm", readable(adversarialStep))
        add("embedding_noise", readable(embeddingNoise))
        object["average_weights"] = averageDecay.map { .number($0) }
        object["dropout"] = dropout.map { .number(readable($0)) }
        return object
    }
}

/// The number with the digits that its `Float` needs.
package func readable(_ value: Float) -> Double { Double("\(value)") ?? 0 }
