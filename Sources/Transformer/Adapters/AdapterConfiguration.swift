/// What kind of adapter stands on an encoder, with its settings.
public enum AdapterConfiguration: Equatable, Sendable {
    case lora(LoRAConfiguration)
    case ia3(IA3Configuration)
    case bottleneck(BottleneckConfiguration)
    /// Several bottleneck adapters together.
    case composition(AdapterComposition)
    case prompt(PromptConfiguration)
    case prefix(PrefixConfiguration)

    /// In words, as messages have it.
    public var kind: String {
        switch self {
        case .lora(let settings): settings.usesMagnitudes ? "DoRA" : "LoRA"
        case .ia3: "IA3"
        case .bottleneck: "a bottleneck adapter"
        case .composition: "several adapters together"
        case .prompt: "prompt tuning"
        case .prefix: "prefix tuning"
        }
    }

    /// Whether it is AdapterHub's and not PEFT's: bottlenecks behind the layers' halves.
    public var isBottleneck: Bool {
        switch self {
        case .bottleneck, .composition: true
        case .lora, .ia3, .prompt, .prefix: false
        }
    }

    /// Whether the base's own matrices can take the adapter in.
    public var isFoldable: Bool {
        switch self {
        case .lora, .ia3: true
        case .bottleneck, .composition: false
        case .prompt, .prefix: false
        }
    }
}

/// Low-rank updates of matrices.
public struct LoRAConfiguration: Equatable, Sendable {
    /// Which biases of the base learn too.
    public enum Biases: String, Sendable, CaseIterable {
        case none
        /// Those of the matrices that are updated.
        case adapted = "lora_only"
        case all
    }

    public var rank = 8
    public var alpha = 8.0
    /// Of what the updates read.
    public var dropout: Float = 0
    public var targets = TargetModules()
    /// Whether the scale is `alpha / √rank` instead of `alpha / rank`.
    ///
    /// Source: Kalajdzievski 2023, "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA".
    public var isRankStabilized = false
    /// Whether every row of a matrix has a magnitude that learns apart from its direction.
    ///
    /// Source: Liu et al. 2024, "DoRA: Weight-Decomposed Low-Rank Adaptation", §4.
    public var usesMagnitudes = false
    public var biases = Biases.none
    /// The ranks and alphas of modules whose names end with what matches a regular expression, the first that does.
    public var rankPattern: [ModulePattern<Int>] = []
    public var alphaPattern: [ModulePattern<Double>] = []

    public init() {}

    func rank(of module: String) -> Int { rankPattern.first { $0.matches(module) }?.value ?? rank }

    func scale(of module: String) -> Float {
        let alpha = alphaPattern.first { $0.matches(module) }?.value ?? alpha
        let rank = Double(rank(of: module))
        return Float(alpha / (isRankStabilized ? rank.squareRoot() : rank))
    }
}

/// Learned factors of what matrices deliver, or of what they read.
public struct IA3Configuration: Equatable, Sendable {
    public var targets = TargetModules()
    /// Those of the targets whose inputs are scaled instead of their outputs; `nil` is the family's usual.
    public var feedForward: TargetModules.Selection?

    public init() {}
}

/// Learned vectors in front of the words of every text.
///
/// Source: Lester et al. 2021, "The Power of Scale for Parameter-Efficient Prompt Tuning", §2.
public struct PromptConfiguration: Equatable, Sendable {
    public var virtualTokens = 20

    public init() {}
}

/// Learned keys and values in front of those of every text, in every layer.
///
/// Source: Li and Liang 2021, "Prefix-Tuning: Optimizing Continuous Prompts for Generation", §4.
public struct PrefixConfiguration: Equatable, Sendable {
    public var virtualTokens = 20
    /// The width of the network that makes the keys and values while they learn; `nil` learns them themselves.
    public var projectionSize: Int?
    /// Whether the words' places count from behind the virtual tokens, as PEFT has it.
    public var shiftsPlaces = true

    public init() {}
}
