public import JSON
import SystemPackage
import Tensors
import Transformer

/// How a model came about and what it reached: the contents of `graft.json` and of `finetune`'s last line.
public struct FineTuningRecord {
    private let task: TrainingTask
    /// How the model reads texts.
    private let reading: JSONObject
    private let training: JSONObject
    private let outcome: FineTuning.Outcome
    private let model: String
    /// Which files were learned from and measured on, and how many examples they gave.
    private let data: JSONObject
    private let temperature: TemperatureScaling?

    public init(
        classifier: SequenceClassifier, configuration: FineTuning.Configuration, outcome: FineTuning.Outcome,
        model: String, data: FineTuningData, temperature: TemperatureScaling? = nil
    ) {
        self.temperature = temperature
        task = .texts(data.problem)
        reading = Self.reading(maxLength: classifier.maxLength)
        training = Self.training(
            configuration, outcome, hasMeanLayer: classifier.encoder.architecture.hasMeanLayer)
        self.outcome = outcome
        self.model = model
        self.data = Self.files(data)
    }

    /// Of a classifier on word vectors.
    ///
    /// - Parameters:
    ///   - reading: how texts become words.
    ///   - training: the settings.
    init(
        reading: JSONObject, training: JSONObject, outcome: FineTuning.Outcome, model: String, data: FineTuningData,
        temperature: TemperatureScaling?
    ) {
        self.temperature = temperature
        task = .texts(data.problem)
        self.reading = reading
        self.training = training
        self.outcome = outcome
        self.model = model
        self.data = Self.files(data)
    }

    private static func files(_ data: FineTuningData) -> JSONObject {
        [
            "train": .string(data.train.file.string), "train_examples": .integer(data.trainCount),
            "dev": (data.dev ?? (data.isSplit ? data.train : nil)).map { .string($0.file.string) } ?? .null,
            "dev_examples": data.devCount.map { .integer($0) } ?? .null,
        ]
    }

    private static func reading(maxLength: Int) -> JSONObject {
        ["max_length": .integer(maxLength), "long_text": .string("truncate")]
    }

    public init(
        tagger: TokenTagger, configuration: FineTuning.Configuration, outcome: FineTuning.Outcome, model: String,
        data: TaggingData
    ) {
        temperature = nil
        task = .tokens
        var reading = Self.reading(maxLength: tagger.maxLength)
        reading[TokenTagger.aggregationKey] = .string(AggregationStrategy.first.rawValue)
        self.reading = reading
        training = Self.training(configuration, outcome, hasMeanLayer: false)
        self.outcome = outcome
        self.model = model
        self.data = [
            "train": .string(data.train.file.string), "train_examples": .integer(data.train.count),
            "dev": data.dev.map { .string($0.file.string) } ?? .null,
            "dev_examples": data.dev.map { .integer($0.count) } ?? .null,
        ]
    }

    /// The contents of `graft.json`. Nothing in it depends on when or how fast the model was made.
    public var object: JSONObject {
        var object: JSONObject = [
            "format_version": .integer(1), "task": .string(task.pipelineTag), "base_model": .string(model),
        ]
        for member in reading.members { object.append(member.key, member.value) }
        object["training"] = .object(training)
        object["data"] = .object(data)
        if let temperature {
            object["calibration"] = .object([
                "temperature": .number(Double("\(temperature.temperature)") ?? 1), "fitted_on": .string("dev"),
            ])
        }
        object["metrics"] = .object(["dev": devMetrics])
        return object
    }

    private static func training(
        _ configuration: FineTuning.Configuration, _ outcome: FineTuning.Outcome, hasMeanLayer: Bool
    ) -> JSONObject {
        var object: JSONObject = [
            "method": .string(configuration.method.rawValue),
            "precision": .string(configuration.precision.rawValue), "seed": .integer(Int(clamping: configuration.seed)),
        ]
        if let c = outcome.inverseRegularization {
            object["solver"] = .string(configuration.optimization.headSolver.rawValue)
            object["inverse_regularization"] = .number(c)
        } else {
            object["epochs"] = .integer(configuration.epochs)
            if configuration.optimization.algorithm != .adafactorRelative {
                object["learning_rate"] = .number(configuration.learningRate)
            }
            object["batch_size"] = .integer(configuration.batchSize)
            object["weight_decay"] = .number(readable(configuration.weightDecay))
            object["keep"] = .string(configuration.keeps.rawValue)
            object["kept_epoch"] = .integer(outcome.keptEvaluation.epoch)
        }
        if hasMeanLayer { object["mean_layer"] = .bool(true) }
        object["steps"] = .integer(outcome.steps)
        if let augmentation = configuration.augmentation { object["augmentation"] = .string("\(augmentation)") }
        object["optimization"] = .object(configuration.optimization.record(configuration.method))
        return object
    }

    /// The last line of `finetune`.
    public func summary(output: String, seconds: Double, peakMemoryMB: Int) -> JSONObject {
        [
            "output": .string(output), "dev": devMetrics, "keptEpoch": .integer(outcome.keptEvaluation.epoch),
            "epochs": .integer(outcome.epochs), "steps": .integer(outcome.steps),
            "seconds": .number(rounded(seconds, 100)),
            "trainingSeconds": .number(rounded(outcome.trainingSeconds, 100)),
            "samplesPerSecond": .number(rounded(outcome.samplesPerSecond, 10)), "peakMemoryMB": .integer(peakMemoryMB),
        ]
    }

    private var devMetrics: JSON {
        guard let metrics = outcome.keptEvaluation.dev else { return .null }
        return metrics.summary
    }

    private func rounded(_ value: Double, _ scale: Double) -> Double { (value * scale).rounded() / scale }
}

extension ClassificationMetrics {
    /// All numbers.
    var report: JSON {
        var object: JSONObject = [
            "examples": .integer(examples), "accuracy": .number(accuracy),
            "accuracyInterval": .array([.number(accuracyInterval.lowerBound), .number(accuracyInterval.upperBound)]),
            "macroF1": .number(macroF1), "loss": loss.map { .number($0) } ?? .null,
        ]
        object["labels"] = .array(
            perLabel.map { label in
                .object([
                    "label": .string(label.label), "support": .integer(label.support),
                    "precision": .number(label.precision), "recall": .number(label.recall), "f1": .number(label.f1),
                ])
            })
        object["confusion"] = .array(confusion.map { row in .array(row.map { .integer($0) }) })
        return .object(object)
    }
}
