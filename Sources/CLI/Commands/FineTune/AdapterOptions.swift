public import ArgumentParser
import Tasks
public import Transformer

/// What `finetune` says of the adapter, where one learns.
struct AdapterOptions: ParsableArguments {
    @Option(help: "With --method lora: the rank of the updates (default: 8).")
    var rank: Int?

    @Option(help: "With --method lora: the updates count alpha / rank times (default: 8).")
    var alpha: Double?

    @Option(help: "With --method lora: the share of what the updates read that is dropped (default: 0).")
    var adapterDropout: Float?

    @Option(
        help: """
            With --method lora and ia3: the modules that are adapted, by the ends of their names and with commas between \
            them, or all-linear (default: for lora queries and values, for ia3 keys, values and what the layers' last \
            products read).
            """)
    var targets: String?

    @Flag(help: "With --method lora: the updates count alpha / √rank times, which suits high ranks.")
    var rslora = false

    @Flag(help: "With --method lora: the magnitudes of the matrices' rows learn apart from their directions (DoRA).")
    var dora = false

    @Option(help: "With --method lora: which biases learn too: none, lora_only or all (default: none).")
    var adapterBias: LoRAConfiguration.Biases?

    @Option(
        help: "With --method lora: how much faster the second matrices learn than the first ones (LoRA+; default: 1).")
    var loraPlusRatio: Double?

    @Option(help: "With --method prompt and prefix: the number of vectors in front of a text (default: 20).")
    var virtualTokens: Int?

    @Option(help: "With --method prefix: a network of this width makes the prefix while it learns (default: none).")
    var prefixProjection: Int?

    func check(_ method: FineTuning.Method) throws {
        func require(_ isGiven: Bool, _ option: String, _ methods: FineTuning.Method...) throws {
            guard isGiven, !methods.contains(method) else { return }
            let names = methods.map { "--method \($0.rawValue)" }.joined(separator: " and ")
            throw ValidationError("\(option) is for \(names).")
        }
        try require(rank != nil, "--rank", .lora)
        try require(alpha != nil, "--alpha", .lora)
        try require(adapterDropout != nil, "--adapter-dropout", .lora)
        try require(targets != nil, "--targets", .lora, .ia3)
        try require(rslora, "--rslora", .lora)
        try require(dora, "--dora", .lora)
        try require(adapterBias != nil, "--adapter-bias", .lora)
        try require(loraPlusRatio != nil, "--lora-plus-ratio", .lora)
        try require(virtualTokens != nil, "--virtual-tokens", .prompt, .prefix)
        try require(prefixProjection != nil, "--prefix-projection", .prefix)
        if let rank, rank < 1 { throw ValidationError("--rank is \(rank); expected at least 1.") }
        if let alpha, !(alpha > 0) || !alpha.isFinite {
            throw ValidationError("--alpha is \(alpha); expected a positive number.")
        }
        if let adapterDropout, !(0..<1).contains(adapterDropout) {
            throw ValidationError("--adapter-dropout is \(adapterDropout); expected 0 to less than 1.")
        }
        if let loraPlusRatio, !(loraPlusRatio > 0) || !loraPlusRatio.isFinite {
            throw ValidationError("--lora-plus-ratio is \(loraPlusRatio); expected a positive number.")
        }
        if let virtualTokens, virtualTokens < 1 {
            throw ValidationError("--virtual-tokens is \(virtualTokens); expected at least 1.")
        }
        if let prefixProjection, prefixProjection < 1 {
            throw ValidationError("--prefix-projection is \(prefixProjection); expected at least 1.")
        }
        if let targets, names(targets).isEmpty {
            throw ValidationError("--targets is empty; expected names of modules.")
        }
    }

    /// - Returns: `nil` for methods without an adapter.
    func configuration(_ method: FineTuning.Method) -> AdapterConfiguration? {
        switch method {
        case .lora:
            var settings = LoRAConfiguration()
            settings.rank = rank ?? settings.rank
            settings.alpha = alpha ?? settings.alpha
            settings.dropout = adapterDropout ?? 0
            settings.isRankStabilized = rslora
            settings.usesMagnitudes = dora
            settings.biases = adapterBias ?? .none
            settings.targets = TargetModules(selection)
            return .lora(settings)
        case .ia3:
            var settings = IA3Configuration()
            settings.targets = TargetModules(selection)
            return .ia3(settings)
        case .prompt:
            var settings = PromptConfiguration()
            settings.virtualTokens = virtualTokens ?? settings.virtualTokens
            return .prompt(settings)
        case .prefix:
            var settings = PrefixConfiguration()
            settings.virtualTokens = virtualTokens ?? settings.virtualTokens
            settings.projectionSize = prefixProjection
            return .prefix(settings)
        default: return nil
        }
    }

    private var selection: TargetModules.Selection {
        guard let targets else { return .usual }
        return targets == "all-linear" ? .allLinear : .named(names(targets))
    }

    private func names(_ text: String) -> [String] {
        text.filter { $0 != " " }.split(separator: ",").map(String.init)
    }
}

extension LoRAConfiguration.Biases: ExpressibleByArgument {}
