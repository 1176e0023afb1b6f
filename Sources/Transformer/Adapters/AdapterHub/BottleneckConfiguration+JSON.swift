import Checkpoints
import JSON
import Tensors

/// AdapterHub's `config` of a bottleneck adapter.
///
/// Source: adapters 1.3, `BnConfig`.
extension BottleneckConfiguration {
    /// - Parameters:
    ///   - file: an `adapter_config.json`'s member `config`, under the file's path.
    ///   - isOld: whether the file is older than version 2, when `gelu` was another function.
    init(_ file: JSONFile, isOld: Bool) throws(CheckpointError) {
        for key in ["use_gating", "inv_adapter", "stochastic_depth"] { try file.requireNothing(key) }
        try file.require("original_ln_after", true)
        self.init(
            isAfterAttention: try file.flag("mh_adapter", absent: false),
            isAfterFeedForward: try file.flag("output_adapter", absent: false),
            reductionFactor: try Self.reductionFactor(file), activation: try Self.activation(file, isOld: isOld))
        guard isAfterAttention || isAfterFeedForward else {
            throw file.invalid("output_adapter", expected: "true here or for mh_adapter")
        }
        normalizesInput = try file.flag("original_ln_before", absent: false)
        hasNormBefore = try file.flag("ln_before", absent: false)
        hasNormAfter = try file.flag("ln_after", absent: false)
        isParallel = try file.flag("is_parallel", absent: false)
        addsResidualBeforeOwnNorm = try file.flag("adapter_residual_before_ln", absent: false)
        dropout = try file.dropout("dropout", absent: 0)
        initialization = try file.choice("init_weights", absent: .bert)
        residual = try Self.residual(file, normalizesInput: normalizesInput)
        scaling = try Self.scaling(file)
        leaveOut = try Self.leaveOut(file)
        hypercomplex =
            try file.flag("phm_layer", absent: false) ? try HypercomplexConfiguration(file) : nil
        if hypercomplex != nil, initialization != .bert {
            throw file.invalid("init_weights", expected: "\"bert\" where phm_layer is true")
        }
    }

    private static func reductionFactor(_ file: JSONFile) throws(CheckpointError) -> ReductionFactor {
        let key = "reduction_factor"
        func factor(_ value: JSON?) throws(CheckpointError) -> Double {
            guard let number = value?.number, number > 0, number < 1e6 else {
                throw file.invalid(key, expected: "a positive number, or one for each layer")
            }
            return number
        }
        guard let object = file.object[key]?.object else { return ReductionFactor(try factor(file.object[key])) }
        var factors = ReductionFactor(nil)
        for member in object.members {
            if member.key == "default" {
                factors.standard = try factor(member.value)
            } else if let layer = Int(member.key) {
                factors.ofLayers[layer] = try factor(member.value)
            } else {
                throw file.invalid(key, expected: "numbers of layers, and \"default\"")
            }
        }
        return factors
    }

    private static func activation(_ file: JSONFile, isOld: Bool) throws(CheckpointError) -> Activation {
        let key = "non_linearity"
        let name = try file.string(key).lowercased()
        let today = isOld ? ["gelu": "gelu_new", "gelu_orig": "gelu"][name] ?? name : name
        guard let activation = Activation(configurationName: today) else {
            let names = Activation.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.invalid(key, expected: "one of \(names)")
        }
        return activation
    }

    private static func residual(_ file: JSONFile, normalizesInput: Bool) throws(CheckpointError) -> Residual {
        let key = "residual_before_ln"
        switch file.object[key] {
        case nil, .null, .bool(true): return .beforeNorm
        case .bool(false): return .afterNorm
        case .string("post_add") where normalizesInput: return .afterAddition
        default:
            throw file.invalid(key, expected: "true or false, or \"post_add\" where original_ln_before is true")
        }
    }

    private static func scaling(_ file: JSONFile) throws(CheckpointError) -> Scaling {
        switch file.object["scaling"] {
        case nil, .null: .constant(1)
        case .string("learned"): .learned
        case .string("channel"): .learnedByChannel
        case let value?:
            if let number = value.number, abs(number) < 1e6 {
                .constant(Float(number))
            } else {
                throw file.invalid("scaling", expected: "a number, \"learned\" or \"channel\"")
            }
        }
    }

    private static func leaveOut(_ file: JSONFile) throws(CheckpointError) -> [Int] {
        guard let value = file.object["leave_out"], value != .null else { return [] }
        guard let elements = value.array, elements.allSatisfy({ $0.integer.map { $0 >= 0 } ?? false }) else {
            throw file.invalid("leave_out", expected: "numbers of layers")
        }
        return elements.compactMap(\.integer)
    }

    /// All that the library's file says, in its order.
    var object: JSONObject {
        let kind = hypercomplex ?? HypercomplexConfiguration()
        return [
            "adapter_residual_before_ln": .bool(addsResidualBeforeOwnNorm), "cross_adapter": .bool(false),
            // The library wants a number with a fraction here and for scaling.
            "dropout": .number(dropout.decimal), "factorized_phm_W": .bool(kind.rank != nil),
            "factorized_phm_rule": .bool(kind.hasFactorizedRules),
            "hypercomplex_nonlinearity": .string("glorot-uniform"),
            "init_weights": .string(initialization.rawValue), "init_weights_seed": .null, "inv_adapter": .null,
            "inv_adapter_reduction_factor": .null, "is_parallel": .bool(isParallel),
            "learn_phm": .bool(kind.learnsRules), "leave_out": .array(leaveOut.map { .integer($0) }),
            "ln_after": .bool(hasNormAfter), "ln_before": .bool(hasNormBefore), "mh_adapter": .bool(isAfterAttention),
            "non_linearity": .string(activation.rawValue), "original_ln_after": .bool(true),
            "original_ln_before": .bool(normalizesInput), "output_adapter": .bool(isAfterFeedForward),
            "phm_bias": .bool(kind.hasBias), "phm_c_init": .string(kind.hasUniformRules ? "uniform" : "normal"),
            "phm_dim": .integer(kind.dimension), "phm_init_range": .number(kind.ruleDeviation.decimal),
            "phm_layer": .bool(hypercomplex != nil), "phm_rank": .integer(kind.rank ?? 1),
            "reduction_factor": reductionFactor.json, "residual_before_ln": residual.json, "scaling": scaling.json,
            "shared_W_phm": .bool(kind.sharesBlocks), "shared_phm_rule": .bool(kind.sharesRules),
            "stochastic_depth": .number(0), "use_gating": .bool(false),
        ]
    }
}

extension HypercomplexConfiguration {
    fileprivate init(_ file: JSONFile) throws(CheckpointError) {
        self.init()
        dimension = try file.size("phm_dim", absent: 4)
        guard dimension <= 64 else { throw file.invalid("phm_dim", expected: "at most 64") }
        rank = try file.flag("factorized_phm_W", absent: true) ? try file.size("phm_rank", absent: 1) : nil
        sharesBlocks = try file.flag("shared_W_phm", absent: false)
        if sharesBlocks, rank == nil {
            throw file.invalid("factorized_phm_W", expected: "true where shared_W_phm is")
        }
        sharesRules = try file.flag("shared_phm_rule", absent: true)
        hasFactorizedRules = try file.flag("factorized_phm_rule", absent: false)
        learnsRules = try file.flag("learn_phm", absent: true)
        hasUniformRules = file.object["phm_c_init"]?.string == "uniform"
        ruleDeviation = Float(try file.number("phm_init_range", absent: 0.0001, in: 0...10))
        hasBias = try file.flag("phm_bias", absent: true)
    }
}

extension BottleneckConfiguration.ReductionFactor {
    fileprivate var json: JSON {
        func number(_ value: Double) -> JSON { Int(exactly: value).map { .integer($0) } ?? .number(value) }
        if ofLayers.isEmpty, let standard { return number(standard) }
        var object = JSONObject()
        for (layer, factor) in ofLayers.sorted(by: { $0.key < $1.key }) { object.append("\(layer)", number(factor)) }
        if let standard { object.append("default", number(standard)) }
        return .object(object)
    }
}

extension BottleneckConfiguration.Residual {
    fileprivate var json: JSON {
        switch self {
        case .beforeNorm: .bool(true)
        case .afterAddition: .string("post_add")
        case .afterNorm: .bool(false)
        }
    }
}

extension BottleneckConfiguration.Scaling {
    fileprivate var json: JSON {
        switch self {
        case .constant(let factor): .number(factor.decimal)
        case .learned: .string("learned")
        case .learnedByChannel: .string("channel")
        }
    }
}

extension Float {
    /// The number that is written with as few digits.
    var decimal: Double { Double(description) ?? Double(self) }
}

extension JSONFile {
    /// Refuses a member that is there and neither null, false nor zero.
    func requireNothing(_ key: String) throws(CheckpointError) {
        guard let value = object[key], value != .null, value != .bool(false), value.number != 0 else { return }
        throw invalid(key, expected: "nothing, as this program does not run it")
    }

    /// A member that may be missing or null, one of few names.
    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ key: String, absent: Value
    ) throws(CheckpointError) -> Value {
        guard let value = object[key], value != .null else { return absent }
        guard let choice = value.string.flatMap(Value.init) else {
            throw invalid(key, expected: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }
}
