public import Checkpoints
import Transformer

/// What a method of fine-tuning is given where the user says nothing: rules by the amount of data and the size of the
/// model, and the measurements behind them, are in docs/recipes.md.
public struct Recipe: Equatable, Sendable {
    public let epochs: Int
    public let learningRate: Double
    public let batchSize: Int
    /// `nil` is the model's.
    public let dropout: Float?

    /// - Parameters:
    ///   - examples: those to learn from.
    ///   - hiddenSize: of the encoder.
    public init(_ method: FineTuning.Method, examples: Int, hiddenSize: Int) {
        let usual = FineTuning.Configuration(method: method)
        // Few examples are few steps: smaller batches make more of them.
        batchSize = examples < 4000 ? 16 : usual.batchSize
        // In so few epochs a small model learns too little, not too much.
        dropout = method == .full && hiddenSize <= 384 ? 0 : nil
        switch method {
        case .full:
            learningRate = Self.learningRate(hiddenSize)
            epochs = Self.epochs(seeing: 1800, of: examples, atLeast: 3)
        case .head, .fewShot:
            (epochs, learningRate) = (usual.epochs, usual.learningRate)
        default:
            learningRate = usual.learningRate
            epochs = Self.epochs(seeing: 5000, of: examples, atLeast: usual.epochs)
        }
    }

    /// The wider a model, the smaller its steps: 1e-4 for 384 columns, 2.5e-5 for 768, 1.4e-5 for 1,024.
    private static func learningRate(_ hiddenSize: Int) -> Double {
        let share = 384 / Double(max(1, hiddenSize))
        let rate = min(5e-4, 1e-4 * share * share)
        // Two digits, as people write them.
        var (digits, exponent) = (rate, 0)
        while digits < 10 { (digits, exponent) = (digits * 10, exponent - 1) }
        return Double("\(Int(digits.rounded()))e\(exponent)") ?? rate
    }

    /// So many that training sees `count` examples, but no less than `minimum`, and of small data no more than 20.
    ///
    /// From 20,000 examples on two epochs do, from 200,000 on one.
    private static func epochs(seeing count: Int, of examples: Int, atLeast minimum: Int) -> Int {
        switch examples {
        case 200_000...: 1
        case 20_000...: min(2, minimum)
        default: min(20, max(minimum, (count + examples - 1) / max(1, examples)))
        }
    }
}

extension FineTuning.Configuration {
    /// The usual values for a method with so much data and such a model.
    public init(
        method: FineTuning.Method, examples: Int, model: ModelDirectory, seed: UInt64
    ) throws(CheckpointError) {
        self.init(method: method, seed: seed)
        let architecture = try EncoderArchitecture(model.openConfiguration())
        let recipe = Recipe(method, examples: examples, hiddenSize: architecture.hiddenSize)
        (epochs, learningRate, batchSize) = (recipe.epochs, recipe.learningRate, recipe.batchSize)
        optimization.dropout = recipe.dropout
    }
}
