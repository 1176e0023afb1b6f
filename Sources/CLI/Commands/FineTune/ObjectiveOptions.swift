import ArgumentParser
import Tasks

/// What a step of `finetune` makes smaller, and what keeps it from learning by heart.
struct ObjectiveOptions: ParsableArguments {
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

    @Option(
        help: ArgumentHelp(
            "Mix the hidden states of texts in pairs, and their labels, by shares from Beta(alpha, alpha), such as 0.2.",
            valueName: "alpha"))
    var mixup = 0.0

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

    @Option(
        help: """
            The share of activations that training drops, everywhere (default: none with --method full for texts and \
            models of up to 384 columns, but for --r-drop; else as the model says).
            """)
    var dropout: Float?

    func validate() throws {
        try require((0..<1).contains(labelSmoothing), "--label-smoothing", labelSmoothing, "0 to below 1")
        try requireAtLeastZero(focalGamma, "--focal-gamma")
        if let classWeights {
            try require(
                ClassWeights(classWeights) != nil, "--class-weights", classWeights,
                "LABEL=WEIGHT,... with weights of at least 0, not all 0, or balanced")
        }
        let order = ordinal?.split(separator: ",") ?? []
        try require(Set(order).count == order.count, "--ordinal", ordinal ?? "", "every label once")
        if let huberDelta { try require(huberDelta > 0, "--huber-delta", huberDelta, "a number above 0") }
        try requireAtLeastZero(rDrop, "--r-drop")
        try require(mixup >= 0 && mixup <= 100, "--mixup", mixup, "0 to 100")
        try require((0..<1).contains(mixout), "--mixout", mixout, "0 to below 1")
        try requireAtLeastZero(l2Sp, "--l2-sp")
        try requireAtLeastZero(Double(fgm), "--fgm")
        try requireAtLeastZero(Double(embeddingNoise), "--embedding-noise")
        if let averageWeights {
            try require((0..<1).contains(averageWeights), "--average-weights", averageWeights, "0 to below 1")
        }
        if let dropout { try require((0..<1).contains(dropout), "--dropout", dropout, "0 to below 1") }
    }

    /// Refuses what does not go together.
    ///
    /// - Parameter dropsInAdapter: whether an adapter has dropout of its own.
    func check(_ method: FineTuning.Method, dropsInAdapter: Bool) throws {
        try refuse(labelSmoothing > 0 && focalGamma > 0, "--label-smoothing and --focal-gamma exclude each other.")
        try refuse(
            rDrop > 0 && dropout == 0 && embeddingNoise == 0 && !dropsInAdapter,
            "--r-drop compares what dropout makes of a text, and --dropout is 0; leave one of them out.")
        try refuse(mixup > 0 && rDrop > 0, "--mixup and --r-drop exclude each other.")
        try refuse(
            ordinal != nil && (labelSmoothing > 0 || focalGamma > 0),
            "--ordinal goes with neither --label-smoothing nor --focal-gamma.")
        try refuse(fgm > 0 && method != .full, "--fgm needs word vectors that learn: use --method full.")
        try refuse(
            method == .head && (embeddingNoise > 0 || mixout > 0),
            "--embedding-noise and --mixout are for methods that train the encoder.")
        try refuse(
            mixout > 0 && (method.isAdapter || method == .bitfit),
            "--mixout puts back matrices of the model: it is for --method full, top-k and gradual.")
    }

    /// The options that are given.
    var given: [String] {
        givenForSteps + givenForEncoder
            + CLI.given([
                "--label-smoothing": labelSmoothing > 0, "--focal-gamma": focalGamma > 0,
                "--class-weights": classWeights != nil, "--ordinal": ordinal != nil, "--huber-delta": huberDelta != nil,
            ])
    }

    /// The options that only steps of training can follow, of those that are given.
    var givenForSteps: [String] {
        CLI.given([
            "--mixup": mixup > 0, "--r-drop": rDrop > 0, "--l2-sp": l2Sp > 0,
            "--average-weights": averageWeights != nil, "--dropout": dropout != nil,
        ])
    }

    /// Those that change how the encoder learns, of those that are given.
    var givenForEncoder: [String] {
        CLI.given(["--mixout": mixout > 0, "--fgm": fgm > 0, "--embedding-noise": embeddingNoise > 0])
    }

    /// Whether something is asked for that only steps of training can give.
    var needsSteps: Bool { !givenForSteps.isEmpty }

    /// What is given, or else the recipe's for texts, unless R-Drop compares what dropout makes of them. `nil` is the model's.
    func dropout(_ recipe: Float?, _ task: TrainingTask?) -> Float? {
        dropout ?? (rDrop > 0 || task == .tokens ? nil : recipe)
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

    /// Sets all but rates, schedules and dropout.
    ///
    /// - Parameter targets: of the examples to learn from.
    func set(
        _ optimization: inout Optimization, labels: [String], targets: Targets, problem: ProblemType
    ) throws {
        optimization.objective.labelSmoothing = labelSmoothing
        optimization.objective.focalGamma = focalGamma
        optimization.objective.classWeights = try classWeights.flatMap(ClassWeights.init)?.weights(
            of: labels, in: targets)
        optimization.objective.isOrdinal = ordinal != nil
        optimization.objective.huberDelta = huberDelta
        optimization.objective.rDrop = rDrop
        optimization.mixupAlpha = mixup
        optimization.mixout = mixout
        optimization.startingPointPenalty = l2Sp
        optimization.adversarialStep = fgm
        optimization.embeddingNoise = embeddingNoise
        optimization.averageDecay = averageWeights
        try optimization.objective.check(problem)
    }
}
