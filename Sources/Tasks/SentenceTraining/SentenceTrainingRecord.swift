public import Checkpoints
public import Embeddings
public import JSON
public import SystemPackage
import Tensors
import Transformer

/// How a sentence encoder came about and what it reached: the contents of `graft.json` and of `adapt`'s last line.
public struct SentenceTrainingRecord {
    private let configuration: SentenceTraining.Configuration
    private let outcome: FineTuning.Outcome
    private let model: String
    private let data: JSONObject
    private let train: (file: FilePath, examples: Int)
    private let dev: FilePath?
    private let chosen: JSONObject

    /// - Parameter chosen: what else the user said of the training.
    public init(
        _ configuration: SentenceTraining.Configuration, _ outcome: FineTuning.Outcome, model: String,
        train: SentenceCorpus, examples: SentenceExamples, dev: FilePath?, chosen: JSONObject = [:]
    ) {
        self.chosen = chosen
        self.configuration = configuration
        self.outcome = outcome
        self.model = model
        self.train = (train.file, examples.count)
        self.dev = dev
        data = [
            "train": .string(train.file.string), "train_examples": .integer(examples.count),
            "columns": .integer(examples.columns), "dev": dev.map { .string($0.string) } ?? .null,
        ]
    }

    /// Writes the encoder with what is recorded of it.
    public func write(_ encoder: TrainableSentenceEncoder, to path: FilePath) throws(CheckpointError) {
        let object: JSONObject = [
            "format_version": .integer(1), "task": .string("sentence-similarity"), "base_model": .string(model),
            "max_length": .integer(encoder.maxLength), "training": .object(training), "data": .object(data),
            "metrics": .object(["dev": metrics]),
        ]
        try encoder.write(to: path) { directory throws(CheckpointError) in
            try JSONFile(path, object: object).write(to: directory.appending(SequenceClassifier.recordName))
            let card = card(encoder, name: path.lexicallyNormalized().lastComponent?.string ?? path.string)
            try AtomicFile.write(Array(card.text.utf8), to: directory.appending(ModelCard.fileName))
        }
    }

    private func card(_ encoder: TrainableSentenceEncoder, name: String) -> SentenceModelCard {
        func fileName(_ path: FilePath) -> String { path.lastComponent?.string ?? path.string }
        var measured: SentenceMetrics?
        if case .sentences(let metrics)? = outcome.keptEvaluation.dev { measured = metrics }
        return SentenceModelCard(
            name: name, baseModel: model, size: encoder.size, maxLength: encoder.maxLength,
            train: fileName(train.file), examples: train.examples, dev: dev.map(fileName), metrics: measured,
            recipe: training.members.map {
                ($0.key, $0.value.string ?? String(decoding: $0.value.serialized(), as: UTF8.self))
            })
    }

    private var training: JSONObject {
        let objective = configuration.objective
        var object: JSONObject = [
            "loss": .string(objective.loss.rawValue), "precision": .string(configuration.precision.rawValue),
            "seed": .integer(Int(clamping: configuration.seed)), "epochs": .integer(configuration.epochs),
            "learning_rate": .number(configuration.learningRate), "batch_size": .integer(configuration.batchSize),
            "weight_decay": .number(readable(configuration.weightDecay)),
            "max_gradient_norm": .number(configuration.maxGradientNorm), "steps": .integer(outcome.steps),
            "keep": .string(configuration.keeps.rawValue), "kept_epoch": .integer(outcome.keptEvaluation.epoch),
        ]
        switch configuration.warmup {
        case .ratio(let ratio): object["warmup_ratio"] = .number(ratio)
        case .steps(let steps): object["warmup_steps"] = .integer(steps)
        }
        for member in chosen.members { object[member.key] = member.value }
        if let scale = objective.scale { object["scale"] = .number(scale) }
        if let margin = objective.margin { object["margin"] = .number(margin) }
        if let ratio = objective.deleteRatio { object["delete_ratio"] = .number(ratio) }
        if objective.distance != .euclidean { object["distance"] = .string(objective.distance.rawValue) }
        if objective.isSymmetric { object["symmetric"] = .bool(true) }
        if !objective.dimensions.isEmpty {
            object["matryoshka"] = .array(objective.dimensions.map { .integer($0) })
        }
        if let weights = objective.dimensionWeights {
            object["matryoshka_weights"] = .array(weights.map { .number($0) })
        }
        return object
    }

    private var metrics: JSON { outcome.keptEvaluation.dev?.summary ?? .null }

    /// The last line of `adapt`.
    public func summary(output: String, seconds: Double, peakMemoryMB: Int) -> JSONObject {
        func rounded(_ value: Double, _ scale: Double) -> JSON { .number((value * scale).rounded() / scale) }
        return [
            "output": .string(output), "dev": metrics, "keptEpoch": .integer(outcome.keptEvaluation.epoch),
            "epochs": .integer(outcome.epochs), "steps": .integer(outcome.steps),
            "trainingLoss": .number(outcome.keptEvaluation.trainingLoss), "seconds": rounded(seconds, 100),
            "trainingSeconds": rounded(outcome.trainingSeconds, 100),
            "samplesPerSecond": rounded(outcome.samplesPerSecond, 10), "peakMemoryMB": .integer(peakMemoryMB),
        ]
    }
}
