public import Tensors

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
            }
        }
    }
}
