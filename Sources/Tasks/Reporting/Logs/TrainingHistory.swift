public import JSON

/// What happened in a run so far: the lines of `metrics.jsonl`.
public struct TrainingHistory: Equatable, Sendable {
    /// One line.
    public enum Entry: Equatable, Sendable {
        case step(Step)
        case evaluation(Evaluation)
        /// Something that happened, such as a checkpoint, by its name.
        case event(String, step: Int, detail: String?)
    }

    public struct Step: Equatable, Sendable {
        public let step: Int
        public let epoch: Int
        /// The mean over the steps since the line before.
        public let loss: Double
        public var learningRate: Double?
        public var gradientNorm: Double?
        public var samplesPerSecond: Double?

        public init(
            step: Int, epoch: Int, loss: Double, learningRate: Double? = nil, gradientNorm: Double? = nil,
            samplesPerSecond: Double? = nil
        ) {
            self.step = step
            self.epoch = epoch
            self.loss = loss
            self.learningRate = learningRate
            self.gradientNorm = gradientNorm
            self.samplesPerSecond = samplesPerSecond
        }
    }

    public struct Evaluation: Equatable, Sendable {
        public let step: Int
        public let epoch: Int
        /// The mean over the epoch.
        public let trainingLoss: Double
        /// By name; none without a dev set.
        public let dev: JSONObject
        public let isBest: Bool

        public init(step: Int, epoch: Int, trainingLoss: Double, dev: JSONObject, isBest: Bool) {
            self.step = step
            self.epoch = epoch
            self.trainingLoss = trainingLoss
            self.dev = dev
            self.isBest = isBest
        }

        /// A number of the dev set.
        public subscript(_ name: String) -> Double? { dev[name]?.number }
    }

    public private(set) var entries: [Entry] = []

    public init() {}

    /// A run that went back takes back what it said of later steps.
    public mutating func append(_ entry: Entry) {
        if case .event(Self.rollback, let step, _) = entry {
            entries.removeAll { if case .event = $0 { false } else { $0.step > step } }
        }
        entries.append(entry)
    }

    static let rollback = "rolledBack"

    public var steps: [Step] {
        entries.compactMap { if case .step(let step) = $0 { step } else { nil } }
    }
    public var evaluations: [Evaluation] {
        entries.compactMap { if case .evaluation(let evaluation) = $0 { evaluation } else { nil } }
    }
    /// The evaluation whose weights were kept.
    public var best: Evaluation? { evaluations.last { $0.isBest } }
}

extension TrainingHistory.Entry {
    /// The step it belongs to, from 1.
    var step: Int {
        switch self {
        case .step(let step): step.step
        case .evaluation(let evaluation): evaluation.step
        case .event(_, let step, _): step
        }
    }

    /// - Parameter seconds: since the run began. The only member that differs from run to run beside the speed.
    func json(seconds: Double) -> JSON {
        var object: JSONObject
        switch self {
        case .step(let step):
            object = [
                "kind": .string("step"), "step": .integer(step.step), "epoch": .integer(step.epoch),
                "loss": .number(step.loss),
            ]
            if let rate = step.learningRate { object.append("learningRate", .number(rate)) }
            if let norm = step.gradientNorm { object.append("gradientNorm", .number(norm)) }
            if let speed = step.samplesPerSecond {
                object.append("samplesPerSecond", .number((speed * 10).rounded() / 10))
            }
        case .evaluation(let evaluation):
            object = [
                "kind": .string("evaluation"), "step": .integer(evaluation.step), "epoch": .integer(evaluation.epoch),
                "trainingLoss": .number(evaluation.trainingLoss), "dev": .object(evaluation.dev),
                "isBest": .bool(evaluation.isBest),
            ]
        case .event(let name, let step, let detail):
            object = ["kind": .string("event"), "event": .string(name), "step": .integer(step)]
            if let detail { object.append("detail", .string(detail)) }
        }
        object.append("seconds", .number((seconds * 1000).rounded() / 1000))
        return .object(object)
    }

    /// - Returns: `nil` where it is no line of this program.
    package init?(_ json: JSON) {
        guard let step = json["step"]?.integer else { return nil }
        switch json["kind"]?.string {
        case "step":
            guard let epoch = json["epoch"]?.integer, let loss = json["loss"]?.number else { return nil }
            self = .step(
                TrainingHistory.Step(
                    step: step, epoch: epoch, loss: loss, learningRate: json["learningRate"]?.number,
                    gradientNorm: json["gradientNorm"]?.number, samplesPerSecond: json["samplesPerSecond"]?.number))
        case "evaluation":
            guard let epoch = json["epoch"]?.integer, let loss = json["trainingLoss"]?.number,
                let isBest = json["isBest"]?.bool
            else { return nil }
            self = .evaluation(
                TrainingHistory.Evaluation(
                    step: step, epoch: epoch, trainingLoss: loss, dev: json["dev"]?.object ?? [:], isBest: isBest))
        case "event":
            guard let name = json["event"]?.string else { return nil }
            self = .event(name, step: step, detail: json["detail"]?.string)
        default: return nil
        }
    }
}
