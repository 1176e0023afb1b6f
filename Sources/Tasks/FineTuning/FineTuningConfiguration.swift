public import Tensors
public import Transformer

extension FineTuning {
    public enum Method: String, Sendable, CaseIterable {
        /// The head learns; the encoder's features are computed once and used in every epoch.
        case head
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

        /// Whether what learns is an adapter, which the model has to have when training starts.
        public var isAdapter: Bool {
            switch self {
            case .lora, .ia3, .prompt, .prefix: true
            case .head, .full, .topK, .gradual, .bitfit: false
            }
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
        /// Training stops after this many evaluations without a better dev score.
        public var patience = 3
        public var optimization = Optimization()
        /// What was attached to the model, with the methods that train an adapter.
        public var adapter: AdapterConfiguration?

        /// The usual values for a method.
        public init(method: Method, seed: UInt64 = 42) {
            self.method = method
            self.seed = seed
            switch method {
            case .head: (epochs, learningRate, batchSize) = (20, 1e-3, 32)
            case .full: (epochs, learningRate, batchSize) = (3, 5e-5, 32)
            case .topK: (epochs, learningRate, batchSize) = (3, 1e-4, 32)
            case .gradual: (epochs, learningRate, batchSize) = (5, 2e-4, 32)
            case .bitfit: (epochs, learningRate, batchSize) = (5, 1e-3, 32)
            case .lora: (epochs, learningRate, batchSize) = (3, 1e-3, 32)
            case .ia3: (epochs, learningRate, batchSize) = (5, 5e-3, 32)
            case .prompt, .prefix: (epochs, learningRate, batchSize) = (10, 1e-2, 32)
            }
        }
    }
}
