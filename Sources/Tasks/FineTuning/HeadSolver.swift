package import Tensors
package import Transformer

/// The method `head` solved to its optimum: logistic regression on the encoder's features, for sets of labels one for
/// each, for numbers ridge regression.
///
/// The features are standardized, so that one strength of regularization suits all, and the scales are folded into the
/// head's weights: what is written is the family's own head, which any program reads that knows the family.
package struct HeadSolver {
    let head: ClassificationHead
    let objective: TrainingObjective
    /// scikit-learn's `C`; `nil` chooses the best.
    let inverseRegularization: Double?

    package init(_ head: ClassificationHead, _ objective: TrainingObjective, inverseRegularization: Double? = nil) {
        self.head = head
        self.objective = objective
        self.inverseRegularization = inverseRegularization
    }

    package struct Solution {
        /// Of the examples, without what regularization adds.
        package let loss: Double
        package let steps: Int
        package let inverseRegularization: Double
    }

    /// Those that are tried, from strong regularization to weak.
    private static let candidates = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 10]
    /// With more examples one part is held out, not five in turn.
    private static let manyExamples = 20_000

    /// Gives the head the best weights.
    ///
    /// - Parameters:
    ///   - features: the head's input for the examples, `[examples, hiddenSize]`.
    ///   - dev: chooses the strength of regularization, where there are examples for it; else parts of the examples do.
    ///   - shouldStop: asked before each of the regressions.
    /// - Returns: `nil` where it was stopped.
    package func solve(
        _ features: Tensor, _ targets: Targets, dev: (features: Tensor, targets: Targets)?, random: RandomSource,
        shouldStop: () -> Bool = { false }
    ) -> Solution? {
        let way = HeadPassage(head)
        let inputs = way.inputs(features)
        let scales = FeatureScales(inputs)
        let rows = scales.standardized(inputs)
        let c =
            inverseRegularization
            ?? best(
                rows, targets, dev: dev.map { (scales.standardized(way.inputs($0.features)), $0.targets) }, random,
                shouldStop)
        if shouldStop() { return nil }
        let (model, steps) = fit(rows, targets, c, from: nil)
        way.set(model, scales)
        return Solution(
            loss: objective.loss(model.logits(rows), targets).loss, steps: steps, inverseRegularization: c)
    }

    private func fit(
        _ rows: Tensor, _ targets: Targets, _ c: Double, from start: LinearModel?, tolerance: Double = 1e-6
    ) -> (model: LinearModel, steps: Int) {
        let outputs = head.output.weight.shape.rows
        let terms =
            switch targets {
            case .classes, .tags: objective.weight(of: targets)
            case .labelSets, .values: Double(targets.count * outputs)
            }
        let (model, result) = LinearModel.fit(
            rows, outputs: outputs, decay: 1 / (c * max(terms, 1)), from: start, search: LBFGS(tolerance: tolerance)
        ) { objective.loss($0, targets) }
        return (model, result.steps)
    }

    /// The `C` with the smallest loss on examples that were not learned from.
    private func best(
        _ rows: Tensor, _ targets: Targets, dev: (rows: Tensor, targets: Targets)?, _ random: RandomSource,
        _ shouldStop: () -> Bool
    ) -> Double {
        var losses = [Double](repeating: 0, count: Self.candidates.count)
        func add(_ train: (Tensor, Targets), _ test: (rows: Tensor, targets: Targets)) {
            var start: LinearModel?
            for (index, c) in Self.candidates.enumerated() where !shouldStop() {
                let model = fit(train.0, train.1, c, from: start, tolerance: 1e-4).model
                losses[index] += objective.loss(model.logits(test.rows), test.targets).loss
                start = model
            }
        }
        if let dev {
            add((rows, targets), dev)
        } else {
            let order = random.permutation(of: targets.count)
            guard order.count >= 5 else { return 0.01 }
            for fold in 0..<(order.count > Self.manyExamples ? 1 : 5) {
                let test = order.indices.filter { $0 % 5 == fold }.map { order[$0] }
                let train = order.indices.filter { $0 % 5 != fold }.map { order[$0] }
                func part(_ indices: [Int]) -> (rows: Tensor, targets: Targets) {
                    (rows.gather(indices.map { Int32($0) }), targets.gather(indices))
                }
                add(part(train), part(test))
            }
        }
        let smallest = losses.indices.min { losses[$0] < losses[$1] } ?? 0
        return Self.candidates[smallest]
    }
}
