extension FineTuning {
    /// What is reported while training goes on.
    public enum Event: Sendable {
        case extractingFeatures(examples: Int)
        case step(Step)
        case evaluation(Evaluation)
        case stoppedEarly(Evaluation)
    }

    public struct Step: Equatable, Sendable {
        public let epoch: Int
        /// From 1.
        public let step: Int
        /// Of the whole run, were it not to stop early.
        public let steps: Int
        public let loss: Double
        public let learningRate: Double
        /// Before the gradients were scaled.
        public let gradientNorm: Double
        public let samplesPerSecond: Double

        package init(
            epoch: Int, step: Int, steps: Int, loss: Double, learningRate: Double, gradientNorm: Double,
            samplesPerSecond: Double
        ) {
            self.epoch = epoch
            self.step = step
            self.steps = steps
            self.loss = loss
            self.learningRate = learningRate
            self.gradientNorm = gradientNorm
            self.samplesPerSecond = samplesPerSecond
        }
    }
}
