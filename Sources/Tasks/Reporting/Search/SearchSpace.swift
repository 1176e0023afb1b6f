import Glibc
import Tensors

/// The settings that a search tries, around those that it starts from.
public struct SearchSpace: Equatable, Sendable {
    /// The first that is tried, and what is not searched for.
    public let base: FineTuning.Configuration
    /// Of the learning rate: from the base's divided by it to the base's times it, evenly in its logarithm.
    public var learningRateFactor = 5.0
    public var epochs: [Int]
    public var batchSizes = [8, 16, 32, 64]
    public var weightDecays: [Float] = [0, 0.01, 0.1]
    /// Where all layers learn.
    public var layerDecays = [1, 0.95, 0.9, 0.8]

    public init(around base: FineTuning.Configuration) {
        self.base = base
        epochs = [base.epochs - base.epochs / 3, base.epochs, base.epochs + base.epochs / 2, 2 * base.epochs]
    }

    /// Settings drawn at random.
    func draw(_ random: RandomSource) -> FineTuning.Configuration {
        var configuration = base
        let exponent = 2 * Double(random.uniform()) - 1
        // Two digits: what is written down is what was used.
        configuration.learningRate = Self.rounded(base.learningRate * pow(learningRateFactor, exponent))
        configuration.epochs = Self.choice(epochs, random)
        configuration.batchSize = Self.choice(batchSizes, random)
        configuration.weightDecay = Self.choice(weightDecays, random)
        if base.method == .full { configuration.optimization.layerDecay = Self.choice(layerDecays, random) }
        // The solver has no such settings: what is searched is how steps are taken.
        if base.method == .head { configuration.optimization.headSolver = .steps }
        return configuration
    }

    private static func choice<Value>(_ values: [Value], _ random: RandomSource) -> Value {
        values[min(values.count - 1, Int(random.uniform() * Float(values.count)))]
    }

    private static func rounded(_ value: Double) -> Double {
        let scale = pow(10, 1 - log10(value).rounded(.down))
        return (value * scale).rounded() / scale
    }
}
