public import Tensors
public import Transformer

extension FineTuning {
    public enum Method: String, Sendable, CaseIterable {
        /// The head learns; the encoder's features are computed once and used in every epoch.
        case head
        /// The encoder learns from pairs of examples with and without a common label, as a sentence encoder; then the head.
        ///
        /// Source: Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts" (SetFit), §3.
        case fewShot = "fewshot"
        /// Every parameter learns.
        case full
        /// The top layers and the head learn.
        case topK = "top-k"
        /// The head learns, then in each epoch one more layer too, lower ones more slowly.
        ///
        /// Source: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", §3.3.
        case gradual
        /// The biases and the layer of the logits learn.
        ///
        /// Source: Ben Zaken, Goldberg and Ravfogel 2022, "BitFit", §3.
        case bitfit
        /// Low-rank updates of matrices learn, and the layer of the logits.
        case lora
        /// Factors of what matrices deliver.
        case ia3
        /// Vectors in front of the words.
        case prompt
        /// Keys and values in front of those of every layer.
        case prefix
        /// A small bottleneck behind the dense layers of every layer learns, and the head.
        case pfeiffer
        /// Two of them in every layer, behind attention too.
        case houlsby
        /// A wide one beside the dense layers.
        case parallel
        /// Houlsby's, of matrices made of small ones.
        case compacter
        /// Pfeiffer's, of such matrices.
        case compacterPlusPlus = "compacter++"
        /// What chooses among the results of adapters learns, and the head.
        case fusion

        /// The bottleneck adapters of a method, with the library's settings.
        public var bottlenecks: BottleneckConfiguration? {
            switch self {
            case .pfeiffer: .pfeiffer
            case .houlsby: .houlsby
            case .parallel: .parallel
            case .compacter: .compacter
            case .compacterPlusPlus: .compacterPlusPlus
            default: nil
            }
        }

        /// Whether `FineTuning` trains the head alone, on features of the encoder as it is.
        public var learnsHeadAlone: Bool { self == .head || self == .fewShot }

        /// Whether bottleneck adapters are on the encoder.
        public var hasBottlenecks: Bool { self == .fusion || bottlenecks != nil }

        /// Whether what learns is an adapter, which the model has to have when training starts.
        public var isAdapter: Bool {
            switch self {
            case .lora, .ia3, .prompt, .prefix: true
            default: hasBottlenecks
            }
        }
    }

    /// Which of the weights that were evaluated are the result.
    public enum KeptWeights: String, Sendable, CaseIterable {
        /// Those with the best dev score.
        case best
        case last

        /// By so few dev examples, taken from the training data, no epoch is chosen: their score is uncertain by more
        /// than epochs differ (docs/recipes.md).
        public static let leastExamples = 500

        /// What suits a dev set.
        ///
        /// - Parameters:
        ///   - devExamples: `nil` without one.
        ///   - isSplit: whether it was taken from the training data.
        public init(devExamples: Int?, isSplit: Bool) {
            guard let devExamples else {
                self = .last
                return
            }
            self = isSplit && devExamples < Self.leastExamples ? .last : .best
        }
    }

    public struct Configuration: Equatable, Sendable {
        public var method: Method
        /// Of the encoder's products; weights, gradients, moments and sums are f32. `int8` is for the method `head`.
        public var precision = Precision.f32
        public var epochs: Int
        public var learningRate: Double
        public var batchSize: Int
        public var seed: UInt64
        public var weightDecay: Float = 0.01
        /// Whether activations are computed again in the backward pass instead of kept.
        public var recomputesActivations = false
        /// The number of steps after which the model is evaluated; `nil`: at the end of each epoch.
        public var evaluationSteps: Int?
        /// Which weights the model has in the end.
        public var keeps = KeptWeights.best
        /// Training stops after this many evaluations without a better dev score, where the best weights are kept.
        public var patience = 3
        public var optimization = Optimization()
        /// What was attached to the model, with the methods that train an adapter.
        public var adapter: AdapterConfiguration?

        /// How the texts of `train` are augmented, for the record: the examples are given as they are to be seen.
        public var augmentation: Augmentation?

        /// How many of so many examples make a step: those of one batch, or of several whose gradients are put together.
        /// Either number may be beyond all bounds.
        func examplesPerStep(of count: Int) -> Int {
            min(batchSize, count) * min(optimization.accumulation, count)
        }

        /// The usual values for a method.
        public init(method: Method, seed: UInt64 = 42) {
            self.method = method
            self.seed = seed
            switch method {
            case .head: (epochs, learningRate, batchSize) = (20, 1e-3, 32)
            case .fewShot: (epochs, learningRate, batchSize) = (1, 2e-5, 16)
            case .full: (epochs, learningRate, batchSize) = (3, 5e-5, 32)
            case .topK: (epochs, learningRate, batchSize) = (3, 1e-4, 32)
            case .gradual: (epochs, learningRate, batchSize) = (5, 2e-4, 32)
            case .bitfit: (epochs, learningRate, batchSize) = (5, 1e-3, 32)
            case .pfeiffer, .houlsby: (epochs, learningRate, batchSize) = (5, 1e-3, 32)
            case .parallel: (epochs, learningRate, batchSize) = (5, 3e-4, 32)
            case .compacter, .compacterPlusPlus: (epochs, learningRate, batchSize) = (5, 3e-3, 32)
            case .fusion: (epochs, learningRate, batchSize) = (5, 2e-4, 32)
            case .lora: (epochs, learningRate, batchSize) = (3, 1e-3, 32)
            case .ia3: (epochs, learningRate, batchSize) = (5, 5e-3, 32)
            case .prompt, .prefix: (epochs, learningRate, batchSize) = (10, 1e-2, 32)
            }
        }
    }
}
