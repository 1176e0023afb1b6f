package import Tensors
import Transformer

/// What a step makes smaller: the loss that goes with the kind of the targets, with what is asked of it besides.
public struct TrainingObjective: Equatable, Sendable {
    /// The share of a single label that is spread over all labels.
    public var labelSmoothing = 0.0
    /// The exponent of focal loss, for labels; 0 is plain cross-entropy.
    public var focalGamma = 0.0
    /// What each label counts; `nil` is 1 for all. Of single labels every example, of sets a yes.
    public var classWeights: [Double]?
    /// Whether single labels have an order, the head's.
    public var isOrdinal = false
    /// The distance from which on a number's error counts linearly; `nil` squares all.
    public var huberDelta: Double?
    /// The weight of R-Drop's divergence; 0 makes one pass alone.
    public var rDrop = 0.0

    public init() {}

    /// What targets count together: batches are put together of parts by it.
    package func weight(of targets: Targets) -> Double {
        guard case .classes(let indices) = targets.ofRows else { return Double(targets.count) }
        return CrossEntropyLoss(weights: classWeights).weight(of: indices)
    }

    /// - Returns: the weighted mean over the examples, of tags over the labelled tokens, and its gradient by the logits.
    package func loss(_ logits: Tensor, _ targets: Targets) -> (loss: Double, gradient: Tensor) {
        switch targets {
        case .classes(let indices):
            isOrdinal
                ? OrdinalLoss(weights: classWeights).evaluate(logits, targets: indices)
                : CrossEntropyLoss(smoothing: labelSmoothing, focus: focalGamma, weights: classWeights)
                    .evaluate(logits, targets: indices)
        case .labelSets(let sets):
            BinaryCrossEntropyLoss(focus: focalGamma, weights: classWeights).evaluate(logits, targets: sets)
        case .values(let values):
            huberDelta.map { HuberLoss(delta: $0).evaluate(logits, targets: values) }
                ?? MeanSquaredErrorLoss.evaluate(logits, targets: values)
        case .tags:
            ofLabelledTokens(logits, targets)
        }
    }

    /// The loss of logits of mixed texts, and its gradient.
    package func loss(
        _ logits: Tensor, _ targets: Targets, _ mixup: Mixup?
    ) -> (loss: Double, gradient: Tensor) {
        var (loss, gradient) = loss(logits, targets)
        guard let mixup else { return (loss, gradient) }
        let other = self.loss(logits, targets.gather(mixup.partners))
        gradient.scale(by: mixup.share)
        var otherGradient = other.gradient
        otherGradient.scale(by: 1 - mixup.share)
        gradient += otherGradient
        loss = Double(mixup.share) * loss + Double(1 - mixup.share) * other.loss
        return (loss, gradient)
    }

    /// Tokens without a label count nothing.
    private func ofLabelledTokens(_ logits: Tensor, _ targets: Targets) -> (loss: Double, gradient: Tensor) {
        let rows = targets.labelledTokens
        let (loss, gradient) = loss(logits.gather(rows), targets.ofRows)
        return (loss, Self.spread(gradient, rows, logits.shape))
    }

    private static func spread(_ gradient: Tensor, _ rows: [Int32], _ shape: Shape) -> Tensor {
        var all = Tensor.zeros(shape)
        all.scatterAdd(gradient, at: rows)
        return all
    }

    /// The loss of two passes with other dropout, and its gradients by both logits.
    ///
    /// Source: Liang et al. 2021, "R-Drop", equation 4, with the mean of both cross-entropies, as the released code has it.
    package func loss(
        _ first: Tensor, _ second: Tensor, _ targets: Targets
    ) -> (loss: Double, first: Tensor, second: Tensor) {
        if case .tags = targets {
            let rows = targets.labelledTokens
            let result = loss(first.gather(rows), second.gather(rows), targets.ofRows)
            return (
                result.loss, Self.spread(result.first, rows, first.shape),
                Self.spread(result.second, rows, first.shape)
            )
        }
        let divergence =
            switch targets {
            case .classes: ConsistencyLoss.ofClasses(first, second)
            case .labelSets: ConsistencyLoss.ofLabelSets(first, second)
            case .values: ConsistencyLoss.ofValues(first, second)
            case .tags: preconditionFailure("tags are classes of rows")
            }
        func gradient(_ loss: Tensor, _ apart: Tensor) -> Tensor {
            var (sum, apart) = (loss, apart)
            sum.scale(by: 0.5)
            apart.scale(by: Float(rDrop))
            sum += apart
            return sum
        }
        let (a, b) = (loss(first, targets), loss(second, targets))
        return (
            0.5 * (a.loss + b.loss) + rDrop * divergence.loss, gradient(a.gradient, divergence.first),
            gradient(b.gradient, divergence.second)
        )
    }

    /// Checks that what is asked goes with the problem.
    public func check(_ problem: ProblemType) throws(OptimizationError) {
        func require(_ isAsked: Bool, _ option: String, _ problems: ProblemType...) throws(OptimizationError) {
            if isAsked, !problems.contains(problem) { throw .wrongProblem(option, problem, expected: problems) }
        }
        try require(labelSmoothing > 0, "--label-smoothing", .singleLabel)
        try require(focalGamma > 0, "--focal-gamma", .singleLabel, .multiLabel)
        try require(classWeights != nil, "--class-weights", .singleLabel, .multiLabel)
        try require(isOrdinal, "--ordinal", .singleLabel)
        try require(huberDelta != nil, "--huber-delta", .regression)
    }
}
