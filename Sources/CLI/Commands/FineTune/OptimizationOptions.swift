public import ArgumentParser
public import Tasks
public import Transformer

/// How `finetune` moves the parameters: optimizer, schedule and rates.
struct OptimizationOptions: ParsableArguments {
    @Option(
        help: """
            The optimizer: \(Optimization.Algorithm.allCases.map(\.rawValue).joined(separator: ", ")); the last takes no \
            learning rate.
            """)
    var optimizer = Optimization.Algorithm.adamW

    @Option(
        help: """
            How the learning rate goes on behind the warm-up: \
            \(LearningRateSchedule.Kind.allCases.map(\.rawValue).joined(separator: ", ")) (default: linear; of \
            --method gradual slanted_triangular).
            """)
    var schedule: LearningRateSchedule.Kind?

    @Option(help: "The power of --schedule polynomial (default: 2).")
    var schedulePower: Double?

    @Option(
        help: ArgumentHelp(
            """
            How long the learning rate rises: a share of all steps below 1, or a number of steps (default: 0.06; of \
            one_cycle 0.3, of slanted_triangular 0.1).
            """, valueName: "share|steps"))
    var warmup: String?

    @Option(help: "How strongly weights shrink, those of biases and normalizations aside (default: 0.01).")
    var weightDecay: Float?

    @Option(help: "Scale gradients down to this norm; 0 leaves them as they are.")
    var maxGradientNorm = 1.0

    @Option(help: "Average the gradients of so many batches for a step.")
    var accumulate = 1

    @Option(
        help:
            "The learning rate of each layer as a share of the layer's above it (default: 1; of --method gradual 0.385)."
    )
    var layerDecay: Double?

    @Option(help: "The learning rate of the head (default: that of --learning-rate).")
    var headLearningRate: Double?

    @Option(
        help: ArgumentHelp(
            "A learning rate for the parameters whose names match; repeat it for others, the last match counts.",
            valueName: "regex=rate"))
    var learningRateFor: [String] = []

    @Option(help: "With --method top-k: how many layers learn, from the top (default: 2).")
    var topKLayers: Int?

    @Option(
        help: """
            With --method head: lbfgs finds the optimum of a logistic or ridge regression on the features; steps \
            trains in epochs, as the other methods do (default: lbfgs, unless epochs, rates or regularizers are given).
            """)
    var headSolver: Optimization.HeadSolver?

    @Option(
        help: ArgumentHelp(
            "With --head-solver lbfgs: the inverse strength of regularization (default: the best of several, on the dev set or held-out parts of the examples).",
            valueName: "c"))
    var inverseRegularization: Double?

    @Flag(
        inversion: .prefixedNo,
        help: """
            With --method head, for a model whose sentence vectors are means of its tokens: let the head read the mean, \
            by a layer of fixed weights, instead of the first token.
            """)
    var meanLayer = true

    func validate() throws {
        if let schedulePower { try require(schedulePower > 0, "--schedule-power", schedulePower, "a number above 0") }
        if let warmup {
            try require(parsedWarmup != nil, "--warmup", warmup, "a share below 1, as in 0.1, or a number of steps")
        }
        if let weightDecay { try require((0..<1).contains(weightDecay), "--weight-decay", weightDecay, "0 to below 1") }
        try requireAtLeastZero(maxGradientNorm, "--max-gradient-norm")
        try require((1...10_000).contains(accumulate), "--accumulate", accumulate, "1 to 10000")
        if let layerDecay {
            try require(layerDecay > 0 && layerDecay <= 1, "--layer-decay", layerDecay, "a number above 0, at most 1")
        }
        if let headLearningRate {
            try require(
                headLearningRate > 0 && headLearningRate < 1, "--head-learning-rate", headLearningRate,
                "a number between 0 and 1")
        }
        for text in learningRateFor {
            try require(
                Self.pattern(text) != nil, "--learning-rate-for", text,
                "REGEX=RATE with a regular expression and a rate between 0 and 1")
        }
        if let topKLayers { try require(topKLayers >= 1, "--top-k-layers", topKLayers, "at least 1") }
        if let c = inverseRegularization {
            try require(c > 0 && c.isFinite, "--inverse-regularization", c, "a number above 0")
        }
    }

    /// Refuses what does not go together.
    ///
    /// - Parameter asksForSteps: whether other options ask for what only steps of training can give.
    func check(_ method: FineTuning.Method, learningRateIsGiven: Bool, asksForSteps: Bool) throws {
        try refuse(topKLayers != nil && method != .topK, "--top-k-layers is for --method top-k.")
        try refuse(schedulePower != nil && schedule != .polynomial, "--schedule-power is for --schedule polynomial.")
        if optimizer == .adafactorRelative {
            try refuse(
                learningRateIsGiven || schedule != nil || warmup != nil || headLearningRate != nil
                    || !learningRateFor.isEmpty,
                "--optimizer adafactor-relative chooses its own rates: it takes no learning rate and no schedule.")
        }
        try refuse(
            layerDecay != nil && (method == .head || method == .prompt),
            "--layer-decay is for methods that train layers; --method \(method.rawValue) trains none.")
        guard method == .head else {
            try refuse(headSolver != nil, "--head-solver is for --method head.")
            try refuse(inverseRegularization != nil, "--inverse-regularization is for --method head.")
            try refuse(!meanLayer, "--no-mean-layer is for --method head.")
            return
        }
        let asksForSteps = asksForSteps || self.asksForSteps
        try refuse(
            headSolver == .lbfgs && asksForSteps,
            "--head-solver lbfgs takes no steps: for epochs, rates and regularizers use --head-solver steps.")
        try refuse(
            inverseRegularization != nil && solver(method, asksForSteps) == .steps,
            "--inverse-regularization is for --head-solver lbfgs.")
    }

    /// The options that say how steps of training go, of those that are given.
    var given: [String] {
        CLI.given([
            "--optimizer": optimizer != .adamW, "--schedule": schedule != nil, "--warmup": warmup != nil,
            "--weight-decay": weightDecay != nil, "--max-gradient-norm": maxGradientNorm != 1,
            "--accumulate": accumulate != 1, "--layer-decay": layerDecay != nil,
            "--head-learning-rate": headLearningRate != nil, "--learning-rate-for": !learningRateFor.isEmpty,
        ])
    }

    private var asksForSteps: Bool { !given.isEmpty }

    private func solver(_ method: FineTuning.Method, _ asksForSteps: Bool) -> Optimization.HeadSolver {
        headSolver ?? (method == .head && (asksForSteps || self.asksForSteps) ? .steps : .lbfgs)
    }

    private var parsedWarmup: Optimization.Warmup? { warmup.flatMap { Optimization.Warmup($0) } }

    private static func pattern(_ text: String) -> Optimization.Pattern? {
        guard let sign = text.lastIndex(of: "="), sign != text.startIndex,
            let rate = Double(text[text.index(after: sign)...]), rate > 0, rate < 1,
            (try? Regex(String(text[..<sign]))) != nil
        else { return nil }
        return Optimization.Pattern(expression: String(text[..<sign]), rate: rate)
    }

    func optimization(_ method: FineTuning.Method, asksForSteps: Bool, dropout: Float?) -> Optimization {
        var optimization = Optimization()
        optimization.dropout = dropout
        optimization.algorithm = optimizer
        optimization.schedule = optimizer == .adafactorRelative ? .constant : schedule
        optimization.power = schedulePower ?? 2
        optimization.warmup = optimizer == .adafactorRelative ? .steps(0) : parsedWarmup
        optimization.maxGradientNorm = maxGradientNorm
        optimization.accumulation = accumulate
        optimization.layerDecay = layerDecay
        optimization.headLearningRate = headLearningRate
        optimization.patterns = learningRateFor.compactMap(Self.pattern)
        optimization.topKLayers = topKLayers ?? 2
        optimization.headSolver = solver(method, asksForSteps)
        optimization.inverseRegularization = inverseRegularization
        return optimization
    }
}

extension Optimization.Warmup {
    /// A share below 1, or a number of steps.
    init?(_ text: String) {
        if let steps = Int(text), steps >= 0 {
            self = .steps(steps)
        } else if let share = Double(text), (0..<1).contains(share) {
            self = .ratio(share)
        } else {
            return nil
        }
    }
}

extension Optimization.Algorithm: ExpressibleByArgument {}
extension Optimization.HeadSolver: ExpressibleByArgument {}
extension LearningRateSchedule.Kind: ExpressibleByArgument {}
