extension FineTuning {
    /// The model as it was after a number of steps.
    public struct Evaluation: Codable, Equatable, Sendable {
        public let epoch: Int
        public let step: Int
        /// Whether it is at the end of the epoch.
        public let endsEpoch: Bool
        /// The mean over the examples since the evaluation before.
        public let trainingLoss: Double
        public let dev: EvaluationMetrics?
        /// Whether none before was better.
        public let isBest: Bool
    }

    public struct Outcome: Sendable {
        public let evaluations: [Evaluation]
        /// The index of the evaluation whose weights the model holds now.
        public let kept: Int
        public let steps: Int
        /// Training alone, without the evaluations on dev.
        public var trainingSeconds: Double
        public let samplesPerSecond: Double
        /// scikit-learn's `C`, where the head was solved for.
        public let inverseRegularization: Double?

        public var keptEvaluation: Evaluation { evaluations[kept] }
        /// The number of epochs that were trained.
        public var epochs: Int { evaluations.last?.epoch ?? 0 }
    }
}
