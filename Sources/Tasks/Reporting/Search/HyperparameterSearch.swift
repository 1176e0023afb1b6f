public import JSON
import Tensors

/// A search for settings within a time: many are trained on a part of the examples, the best third of them on three
/// times as many, the best of those on all; then others are drawn. What a search begins with is measured on all
/// examples, too, so that its choice is at least as good on the dev set.
///
/// The settings drawn depend on the seed alone; how many of them there is time for depends on the machine.
///
/// Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization"
/// (successive halving, here by thirds); Bergstra and Bengio 2012, "Random Search for Hyper-Parameter Optimization".
public struct HyperparameterSearch: Sendable {
    public struct Trial: Equatable, Sendable {
        public let configuration: FineTuning.Configuration
        /// Of the training examples.
        public let share: Double
        public let dev: EvaluationMetrics
        public let seconds: Double

        public func json(number: Int) -> JSON {
            .object([
                "trial": .integer(number), "share": .number(share), "learningRate": .number(configuration.learningRate),
                "epochs": .integer(configuration.epochs), "batchSize": .integer(configuration.batchSize),
                "weightDecay": .number(Double("\(configuration.weightDecay)") ?? 0),
                "layerDecay": configuration.optimization.layerDecay.map { .number($0) } ?? .null,
                "dev": dev.summary, "seconds": .number((seconds * 100).rounded() / 100),
            ])
        }
    }

    private let space: SearchSpace
    private let shares: [Double]
    private let seconds: Double
    private let seed: UInt64

    /// - Parameters:
    ///   - examples: that there are to learn from; parts of them of less than 200 say too little.
    ///   - seconds: for everything, training with the settings that are chosen included.
    public init(_ space: SearchSpace, examples: Int, seconds: Double) {
        self.space = space
        self.seconds = seconds
        shares = [1.0 / 9, 1.0 / 3].filter { $0 * Double(examples) >= 200 } + [1]
        seed = space.base.seed ^ 0x5EA2_C4ED
    }

    /// How many settings a round begins with.
    private var width: Int { shares.count == 3 ? 9 : shares.count == 2 ? 3 : 1 }

    /// Searches.
    ///
    /// - Parameters:
    ///   - clock: seconds since some moment.
    ///   - train: trains with settings on a share of the examples, and says what they reach on the dev set; `nil` where
    ///     training diverges.
    ///   - report: told of every trial.
    /// - Returns: all trials in their order, and the settings chosen: the best on the largest share that was reached.
    public func run(
        clock: () -> Double, train: (FineTuning.Configuration, _ share: Double) throws -> EvaluationMetrics?,
        report: (Trial) throws -> Void
    ) rethrows -> (trials: [Trial], chosen: FineTuning.Configuration) {
        let start = clock()
        let source = RandomSource(seed: seed)
        var trials: [Trial] = []
        var isFirstRound = true
        /// Measured: of an epoch over all examples.
        var secondsPerEpoch: Double?
        func hasTime(_ configuration: FineTuning.Configuration, _ share: Double) -> Bool {
            guard let secondsPerEpoch else { return true }
            let chosen = Self.best(trials)?.configuration ?? space.base
            let needed = Double(configuration.epochs) * share + Double(max(chosen.epochs, configuration.epochs))
            return clock() - start + needed * secondsPerEpoch <= seconds
        }
        rounds: while true {
            var candidates = (0..<width).map { $0 == 0 && isFirstRound ? space.base : space.draw(source) }
            for (rung, share) in shares.enumerated() {
                var results: [Trial] = []
                for configuration in candidates {
                    guard hasTime(configuration, share) else { break rounds }
                    let started = clock()
                    let metrics = try train(configuration, share)
                    let spent = clock() - started
                    let rate = spent / (share * Double(configuration.epochs))
                    secondsPerEpoch = max(rate, (secondsPerEpoch ?? rate) * 0.9)
                    guard let metrics else { continue }
                    let trial = Trial(configuration: configuration, share: share, dev: metrics, seconds: spent)
                    trials.append(trial)
                    results.append(trial)
                    try report(trial)
                }
                if rung == shares.count - 1 { break }
                let kept = results.sorted { $0.dev.isBetter(than: $1.dev) }.prefix(max(1, candidates.count / 3))
                candidates = kept.map(\.configuration)
                // The settings that a search begins with are never dropped.
                if isFirstRound, !candidates.contains(space.base) { candidates.append(space.base) }
            }
            isFirstRound = false
        }
        return (trials, Self.best(trials)?.configuration ?? space.base)
    }

    /// The best on the largest share.
    static func best(_ trials: [Trial]) -> Trial? {
        let share = trials.map(\.share).max()
        return trials.filter { $0.share == share }.reduce(nil) { best, trial in
            guard let best else { return trial }
            return trial.dev.isBetter(than: best.dev) ? trial : best
        }
    }
}
