public import ArgumentParser
public import Tasks
public import Transformer

/// How `finetune` moves the parameters.
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
            "How long the learning rate rises: a share of all steps below 1, or a number of steps (default: 0.06).",
            valueName: "share|steps"))
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

    @Option(help: "The learning rate of the head (default: that of the top layer).")
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
            trains in epochs, as the other methods do.
            """)
    var headSolver = Optimization.HeadSolver.lbfgs

    @Option(
        help: ArgumentHelp(
            "With --head-solver lbfgs: the inverse strength of regularization (default: the best of several, on the dev set or held-out parts of the examples).",
            valueName: "c"))
    var inverseRegularization: Double?

    @Option(help: "The share of each label that is spread over all labels.")
    var labelSmoothing = 0.0

    @Option(help: "Let examples that are sure count less: the exponent of focal loss.")
    var focalGamma = 0.0

    @Option(
        help: ArgumentHelp(
            "What each label counts, or balanced: the rarer, the more.", valueName: "label=weight,...|balanced"))
    var classWeights: String?

    @Option(
        help: ArgumentHelp(
            "The labels from lowest to highest: being two off then costs twice as much as being one off.",
            valueName: "label,..."))
    var ordinal: String?

    @Option(help: "With numbers as labels: errors above this count linearly (default: all count by their square).")
    var huberDelta: Double?

    @Option(help: "Pass each batch twice and pull both answers together, so strongly (R-Drop).")
    var rDrop = 0.0

    @Option(help: "The share of weights that each step puts back to where they started.")
    var mixout: Float = 0

    @Option(help: "Pull weights to where they started, so strongly (L2-SP).")
    var l2Sp = 0.0

    @Option(help: "Learn from word vectors moved this far against the answer too (FGM): twice the work.")
    var fgm: Float = 0

    @Option(help: "Add noise of this size to the word vectors (NEFTune), such as 5.")
    var embeddingNoise: Float = 0

    @Option(help: "Use the moving average of the weights, of which each step keeps this share, such as 0.999.")
    var averageWeights: Double?

    @Option(help: "The share of activations that training drops, everywhere (default: as the model says).")
    var dropout: Float?

    func validate() throws {
        func check(_ isRight: Bool, _ option: String, _ value: some CustomStringConvertible, _ expected: String) throws
        {
            if !isRight { throw ValidationError("\(option) is \(value); expected \(expected).") }
        }
        func atLeastZero(_ value: Double, _ option: String) throws {
            try check(value >= 0 && value.isFinite, option, value, "a number of at least 0")
        }
        if let schedulePower { try check(schedulePower > 0, "--schedule-power", schedulePower, "a number above 0") }
        if let warmup {
            try check(parsedWarmup != nil, "--warmup", warmup, "a share below 1, as in 0.1, or a number of steps")
        }
        if let weightDecay { try check((0..<1).contains(weightDecay), "--weight-decay", weightDecay, "0 to below 1") }
        try atLeastZero(maxGradientNorm, "--max-gradient-norm")
        try check((1...10_000).contains(accumulate), "--accumulate", accumulate, "1 to 10000")
        if let layerDecay {
            try check(layerDecay > 0 && layerDecay <= 1, "--layer-decay", layerDecay, "a number above 0, at most 1")
        }
        if let headLearningRate {
            try check(
                headLearningRate > 0 && headLearningRate < 1, "--head-learning-rate", headLearningRate,
                "a number between 0 and 1")
        }
        for text in learningRateFor {
            try check(Self.pattern(text) != nil, "--learning-rate-for", text, "REGEX=RATE with a rate between 0 and 1")
        }
        if let topKLayers { try check(topKLayers >= 1, "--top-k-layers", topKLayers, "at least 1") }
        if let c = inverseRegularization {
            try check(c > 0 && c.isFinite, "--inverse-regularization", c, "a number above 0")
        }
        try check((0..<1).contains(labelSmoothing), "--label-smoothing", labelSmoothing, "0 to below 1")
        try atLeastZero(focalGamma, "--focal-gamma")
        if let classWeights {
            try check(
                ClassWeights(classWeights) != nil, "--class-weights", classWeights,
                "LABEL=WEIGHT,... with weights of at least 0, not all 0, or balanced")
        }
        if let huberDelta { try check(huberDelta > 0, "--huber-delta", huberDelta, "a number above 0") }
        try atLeastZero(rDrop, "--r-drop")
        try check((0..<1).contains(mixout), "--mixout", mixout, "0 to below 1")
        try atLeastZero(l2Sp, "--l2-sp")
        try atLeastZero(Double(fgm), "--fgm")
        try atLeastZero(Double(embeddingNoise), "--embedding-noise")
        if let averageWeights {
            try check((0..<1).contains(averageWeights), "--average-weights", averageWeights, "0 to below 1")
        }
        if let dropout { try check((0..<1).contains(dropout), "--dropout", dropout, "0 to below 1") }
    }

    /// Refuses what does not go together.
    func check(_ method: FineTuning.Method, learningRateIsGiven: Bool) throws {
        func refuse(_ isAsked: Bool, _ message: String) throws {
            if isAsked { throw ValidationError(message) }
        }
        try refuse(topKLayers != nil && method != .topK, "--top-k-layers is for --method top-k.")
        try refuse(schedulePower != nil && schedule != .polynomial, "--schedule-power is for --schedule polynomial.")
        try refuse(labelSmoothing > 0 && focalGamma > 0, "--label-smoothing and --focal-gamma exclude each other.")
        try refuse(
            ordinal != nil && (labelSmoothing > 0 || focalGamma > 0),
            "--ordinal goes with neither --label-smoothing nor --focal-gamma.")
        try refuse(fgm > 0 && method != .full, "--fgm needs word vectors that learn: use --method full.")
        if optimizer == .adafactorRelative {
            try refuse(
                learningRateIsGiven || schedule != nil || warmup != nil || headLearningRate != nil
                    || !learningRateFor.isEmpty,
                "--optimizer adafactor-relative chooses its own rates: it takes no learning rate and no schedule.")
        }
        guard method == .head else {
            try refuse(headSolver != .lbfgs, "--head-solver is for --method head.")
            try refuse(inverseRegularization != nil, "--inverse-regularization is for --method head.")
            return
        }
        try refuse(
            embeddingNoise > 0 || mixout > 0, "--embedding-noise and --mixout are for methods that train the encoder.")
        guard headSolver == .lbfgs else {
            try refuse(inverseRegularization != nil, "--inverse-regularization is for --head-solver lbfgs.")
            return
        }
        try refuse(
            rDrop > 0 || l2Sp > 0 || averageWeights != nil || dropout != nil || accumulate != 1 || optimizer != .adamW
                || schedule != nil || warmup != nil || layerDecay != nil || headLearningRate != nil
                || !learningRateFor.isEmpty || weightDecay != nil || learningRateIsGiven,
            "--head-solver lbfgs takes no steps: for rates, schedules and regularizers use --head-solver steps.")
    }

    private var parsedWarmup: Optimization.Warmup? {
        guard let warmup else { return nil }
        if let steps = Int(warmup), steps >= 0 { return .steps(steps) }
        return Double(warmup).flatMap { (0..<1).contains($0) ? .ratio($0) : nil }
    }

    private static func pattern(_ text: String) -> Optimization.Pattern? {
        guard let sign = text.lastIndex(of: "="), sign != text.startIndex,
            let rate = Double(text[text.index(after: sign)...]), rate > 0, rate < 1
        else { return nil }
        return Optimization.Pattern(expression: String(text[..<sign]), rate: rate)
    }

    /// The labels from lowest to highest, which are those of the examples.
    func order(_ labels: [String]) throws -> [String] {
        guard let ordinal else { return labels }
        let order = ordinal.split(separator: ",").map(String.init)
        if let name = order.first(where: { !labels.contains($0) }) {
            throw OptimizationError.unknownLabel(name, option: "--ordinal", labels: labels)
        }
        if let name = labels.first(where: { !order.contains($0) }) {
            throw OptimizationError.missingLabel(name, option: "--ordinal")
        }
        return order
    }

    /// - Parameter targets: of the examples to learn from.
    func optimization(labels: [String], targets: Targets, problem: ProblemType) throws -> Optimization {
        var optimization = Optimization()
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
        optimization.headSolver = headSolver
        optimization.inverseRegularization = inverseRegularization
        optimization.objective.labelSmoothing = labelSmoothing
        optimization.objective.focalGamma = focalGamma
        optimization.objective.classWeights = try classWeights.flatMap(ClassWeights.init)?.weights(
            of: labels, in: targets)
        optimization.objective.isOrdinal = ordinal != nil
        optimization.objective.huberDelta = huberDelta
        optimization.objective.rDrop = rDrop
        optimization.mixout = mixout
        optimization.startingPointPenalty = l2Sp
        optimization.adversarialStep = fgm
        optimization.embeddingNoise = embeddingNoise
        optimization.averageDecay = averageWeights
        optimization.dropout = dropout
        try optimization.objective.check(problem)
        return optimization
    }
}

extension Optimization.Algorithm: ExpressibleByArgument {}
extension Optimization.HeadSolver: ExpressibleByArgument {}
extension LearningRateSchedule.Kind: ExpressibleByArgument {}
