public import Tensors

/// What bottleneck adapters of an encoder are made of, and where they stand. Properties are what AdapterHub's
/// `adapter_config.json` says, under the names that say what they do.
///
/// Every half of a layer ends in `LayerNorm(x + h)`, where `x` is the residual and `h` what the half computed (before
/// normalization alone where the layer normalizes first). An adapter makes of it `LayerNorm(x + r + s·A(u))`: it reads
/// `u`, and `r` is its own residual, `h` in most kinds. (The layer's own residual always follows: `original_ln_after`.)
///
/// Source: adapters 1.3, `BnConfig` and `methods/modeling.py`.
public struct BottleneckConfiguration: Equatable, Sendable {
    /// Whether an adapter stands behind attention (`mh_adapter`).
    public var isAfterAttention: Bool
    /// Whether one stands behind the dense layers (`output_adapter`).
    public var isAfterFeedForward: Bool
    /// How many times smaller the bottleneck is than the hidden states (`reduction_factor`).
    public var reductionFactor: ReductionFactor
    public var activation: Activation
    /// Whether `u` is `LayerNorm(x + h)`, with the layer's own normalization, instead of `h` (`original_ln_before`).
    public var normalizesInput = false
    /// A normalization of the adapter's own before the bottleneck (`ln_before`), and one behind it (`ln_after`).
    public var hasNormBefore = false
    public var hasNormAfter = false
    public var initialization = Initialization.bert
    /// Whether `u` is `x`: the adapter works beside the half and not behind it.
    public var isParallel = false
    public var scaling = Scaling.constant(1)
    public var residual = Residual.beforeNorm
    /// Whether the adapter's own residual is added before its own normalization (`adapter_residual_before_ln`).
    public var addsResidualBeforeOwnNorm = false
    /// Layers, from the bottom, that have no adapters.
    public var leaveOut: [Int] = []
    /// Of the bottleneck's result.
    public var dropout: Float = 0
    /// Where the two matrices are Kronecker sums (`phm_layer`).
    public var hypercomplex: HypercomplexConfiguration?

    public init(
        isAfterAttention: Bool, isAfterFeedForward: Bool, reductionFactor: ReductionFactor, activation: Activation
    ) {
        self.isAfterAttention = isAfterAttention
        self.isAfterFeedForward = isAfterFeedForward
        self.reductionFactor = reductionFactor
        self.activation = activation
    }

    /// One factor for all layers, and others for some (`{"1": 8, "default": 16}`).
    public struct ReductionFactor: Equatable, Sendable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
        /// `nil` where every layer has one of its own.
        public var standard: Double?
        public var ofLayers: [Int: Double] = [:]

        public init(_ factor: Double?, ofLayers: [Int: Double] = [:]) {
            standard = factor
            self.ofLayers = ofLayers
        }
        public init(floatLiteral value: Double) { self.init(value) }
        public init(integerLiteral value: Int) { self.init(Double(value)) }

        /// The bottleneck of a layer, at least 1; `nil` where nothing is said of it.
        public func size(of hiddenSize: Int, layer: Int) -> Int? {
            (ofLayers[layer] ?? standard).map { max(1, Int((Double(hiddenSize) / $0).rounded(.down))) }
        }
    }

    /// `r`: what the adapter's result is added to (`residual_before_ln`).
    public enum Residual: Equatable, Sendable {
        /// `h`
        case beforeNorm
        /// `x + h`
        case afterAddition
        /// `u`
        case afterNorm
    }

    /// `s`
    public enum Scaling: Equatable, Sendable {
        case constant(Float)
        /// One number that starts at 1.
        case learned
        /// A number for every column; they start at 1.
        case learnedByChannel
    }

    /// How the matrices start (`init_weights`).
    public enum Initialization: String, CaseIterable, Sendable {
        /// Normal, of deviation 0.02.
        case bert
        /// The first uniform, the second zero: the adapter changes nothing. Source: He et al. 2022, "Towards a Unified View
        /// of Parameter-Efficient Transfer Learning", appendix.
        case mamAdapter = "mam_adapter"
        /// Normal, of deviation 0.01, cut off at two deviations. Source: Houlsby et al. 2019, §3.6.
        case houlsby
    }
}

/// What Kronecker sums of adapters are made of. Source: Karimi Mahabadi et al. 2021, "Compacter", §4.
public struct HypercomplexConfiguration: Equatable, Sendable {
    /// The number of products, and the size of the rules (`phm_dim`).
    public var dimension = 4
    /// The rank of the blocks, `nil` where they are whole (`factorized_phm_W`, `phm_rank`).
    public var rank: Int? = 1
    /// Whether all layers have the same blocks (`shared_W_phm`), or rules (`shared_phm_rule`).
    public var sharesBlocks = false
    public var sharesRules = true
    /// Whether rules are products of a column and a row (`factorized_phm_rule`).
    public var hasFactorizedRules = false
    /// Whether rules learn (`learn_phm`).
    public var learnsRules = true
    /// Rules start uniform instead of normal (`phm_c_init`).
    public var hasUniformRules = false
    /// The deviation of shared rules (`phm_init_range`).
    public var ruleDeviation: Float = 0.0001
    public var hasBias = true

    public init() {}
}

extension BottleneckConfiguration {
    /// One adapter a layer, behind the dense layers and their normalization: `seq_bn`.
    ///
    /// Source: Pfeiffer et al. 2021, "AdapterFusion", §3.2.3 and appendix; Pfeiffer et al. 2020, "MAD-X", §3.
    public static var pfeiffer: BottleneckConfiguration {
        var configuration = BottleneckConfiguration(
            isAfterAttention: false, isAfterFeedForward: true, reductionFactor: 16, activation: .relu)
        configuration.normalizesInput = true
        return configuration
    }

    /// Two adapters a layer, behind attention and behind the dense layers: `double_seq_bn`.
    ///
    /// Source: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP", §2.1; the activation is the library's.
    public static var houlsby: BottleneckConfiguration {
        BottleneckConfiguration(
            isAfterAttention: true, isAfterFeedForward: true, reductionFactor: 16, activation: .silu)
    }

    /// One adapter a layer, beside the dense layers, its result four times as large: `par_bn`, also `scaled_par_bn`.
    ///
    /// Source: He et al. 2022, "Towards a Unified View of Parameter-Efficient Transfer Learning", §4.6.
    public static var parallel: BottleneckConfiguration {
        var configuration = BottleneckConfiguration(
            isAfterAttention: false, isAfterFeedForward: true, reductionFactor: 2, activation: .relu)
        configuration.initialization = .mamAdapter
        configuration.isParallel = true
        configuration.scaling = .constant(4)
        return configuration
    }

    /// Houlsby's places, with Kronecker sums. Source: Karimi Mahabadi et al. 2021, "Compacter", §4.
    public static var compacter: BottleneckConfiguration {
        var configuration = houlsby
        configuration.makeHypercomplex()
        return configuration
    }

    /// Pfeiffer's places, with Kronecker sums: `compacter++`. Source: ibid.
    public static var compacterPlusPlus: BottleneckConfiguration {
        var configuration = pfeiffer
        configuration.makeHypercomplex()
        return configuration
    }

    private mutating func makeHypercomplex() {
        hypercomplex = HypercomplexConfiguration()
        (reductionFactor, activation) = (32, .gelu)
    }
}
