public import Tensors

extension FineTuning {
    public enum Method: String, Sendable, CaseIterable {
        /// The head learns; the encoder's features are computed once and used in every epoch.
        case head
        /// Every parameter learns.
        case full
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
        /// The share of all steps over which the learning rate rises.
        public var warmupRatio = 0.06
        /// Whether activations are computed again in the backward pass instead of kept.
        public var recomputesActivations = false
        /// Training stops after this many epochs without a better dev score.
        public var patience = 3

        /// The usual values for a method.
        public init(method: Method, seed: UInt64 = 42) {
            self.method = method
            self.seed = seed
            switch method {
            case .head: (epochs, learningRate, batchSize) = (20, 1e-3, 32)
            case .full: (epochs, learningRate, batchSize) = (3, 5e-5, 32)
            }
        }
    }
}
