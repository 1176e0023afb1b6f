public import Checkpoints
import Embeddings
public import JSON
public import SystemPackage
import Tensors
import Transformer

/// What a run leaves for people to read: the report and the model card.
public struct FineTuningReport: Sendable {
    public let report: RunReport
    public let card: ModelCard

    /// - Parameters:
    ///   - output: the directory of the model.
    ///   - model: the base model as it was named; `directory` is where it lies.
    ///   - record: the contents of `graft.json`, which hold the recipe.
    ///   - run: what is known of this run alone, such as its time.
    public init(
        output: FilePath, model: String, directory: FilePath, classifier: SequenceClassifier, record: JSONObject,
        history: TrainingHistory, data: FineTuningData, examples: FineTuningData.Tokenized, analysis: DevAnalysis?,
        run: [RunReport.Fact] = []
    ) throws(CorpusError) {
        let name = output.lexicallyNormalized().lastComponent?.string ?? output.string
        let base = ModelName(model, directory).text
        let recipe =
            RunReport.facts(record["training"]?.object ?? [:]) + [
                RunReport.Fact("max length", "\(classifier.maxLength) tokens")
            ]
        var report = RunReport(title: name, baseModel: base, history: history)
        report.analysis = analysis
        report.devTexts = try Self.mistakenTexts(analysis, data)
        report.labelCounts = Self.labelCounts(
            classifier.labels, train: examples.train.targets, dev: examples.dev?.targets)
        report.data = Self.facts(data)
        report.recipe = [RunReport.Fact("base model", base)] + recipe
        report.machine = Machine.facts + run
        report.keepsLast = Self.keepsLast(record)
        self.report = report

        var card = ModelCard(
            name: name, baseModel: base, task: .texts(classifier.problem), labels: classifier.labels,
            maxLength: classifier.maxLength, train: (Self.name(data.train.file), data.trainCount))
        card.isPair = data.hasPairs
        switch classifier.encoder.activeAdapter?.configuration {
        case nil: break
        case .lora, .ia3, .prompt, .prefix: card.library = .peft
        case .bottleneck: card.library = .adapters
        case .composition: (card.library, card.hasSeveralAdapters) = (.adapters, true)
        }
        card.dev = data.devCount.map { (Self.name(data.devFile), $0) }
        card.metrics = analysis?.metrics
        card.temperature = analysis?.temperature?.temperature
        card.recipe = recipe
        self.card = card
    }

    /// Of a classifier on word vectors.
    init(
        output: FilePath, model: String, classifier: WordVectorClassifier, rule: WordSplitting.Rule, record: JSONObject,
        history: TrainingHistory, data: FineTuningData, analysis: DevAnalysis?, run: [RunReport.Fact]
    ) throws(CorpusError) {
        let name = output.lexicallyNormalized().lastComponent?.string ?? output.string
        let recipe = RunReport.facts(record["training"]?.object ?? [:])
        var report = RunReport(title: name, baseModel: model, history: history)
        report.analysis = analysis
        report.devTexts = try Self.mistakenTexts(analysis, data)
        report.labelCounts = Self.labelCounts(classifier.labels, train: data.trainTargets, dev: data.devTargets)
        report.data = Self.facts(data)
        report.recipe = [RunReport.Fact("word vectors", model)] + recipe
        report.machine = Machine.facts + run
        report.keepsLast = true
        self.report = report

        var card = ModelCard(
            name: name, baseModel: model, task: .texts(classifier.problem), labels: classifier.labels,
            maxLength: nil, train: (Self.name(data.train.file), data.trainCount))
        card.library = .fastText
        card.words = rule
        card.dev = data.devCount.map { (Self.name(data.devFile), $0) }
        card.metrics = analysis?.metrics
        card.temperature = analysis?.temperature?.temperature
        card.recipe = recipe
        self.card = card
    }

    /// Of a tagger.
    ///
    /// - Parameter metrics: of the dev set, by the weights that were kept.
    public init(
        output: FilePath, model: String, directory: FilePath, tagger: TokenTagger, record: JSONObject,
        history: TrainingHistory, data: TaggingData, metrics: EvaluationMetrics?, run: [RunReport.Fact] = []
    ) {
        let name = output.lexicallyNormalized().lastComponent?.string ?? output.string
        let base = ModelName(model, directory).text
        let recipe =
            RunReport.facts(record["training"]?.object ?? [:]) + [
                RunReport.Fact("max length", "\(tagger.maxLength) tokens")
            ]
        var report = RunReport(title: name, baseModel: base, history: history)
        if case .entities(let entities) = metrics { report.entities = entities }
        report.data = [RunReport.Fact("train", data.train.description)]
        if let dev = data.dev { report.data.append(RunReport.Fact("dev", dev.description)) }
        report.recipe = [RunReport.Fact("base model", base)] + recipe
        report.machine = Machine.facts + run
        report.keepsLast = Self.keepsLast(record)
        self.report = report

        var card = ModelCard(
            name: name, baseModel: base, task: .tokens, labels: tagger.labels, maxLength: tagger.maxLength,
            train: (Self.name(data.train.file), data.train.count))
        card.dev = data.dev.map { (Self.name($0.file), $0.count) }
        card.metrics = metrics
        card.recipe = recipe
        self.card = card
    }

    /// Writes both into the directory.
    public func write(to directory: FilePath) throws(CheckpointError) {
        try AtomicFile.write(Array(report.html.utf8), to: directory.appending(RunReport.fileName))
        try AtomicFile.write(Array(card.text.utf8), to: directory.appending(ModelCard.fileName))
    }

    private static func mistakenTexts(
        _ analysis: DevAnalysis?, _ data: FineTuningData
    ) throws(CorpusError) -> [Int: RunReport.Text] {
        let mistakes = Set(analysis?.mistakes(RunReport.shownMistakes).map(\.index) ?? [])
        return try data.devExamples(mistakes).mapValues { RunReport.Text($0.text, pair: $0.pair, line: $0.line) }
    }

    private static func keepsLast(_ record: JSONObject) -> Bool {
        record["training"]?["keep"]?.string == FineTuning.KeptWeights.last.rawValue
    }

    private static func name(_ file: FilePath) -> String { file.lastComponent?.string ?? file.string }

    private static func facts(_ data: FineTuningData) -> [RunReport.Fact] {
        var facts = [RunReport.Fact("train", "\(data.train.file), \(data.trainCount.counted("example"))")]
        if let count = data.devCount {
            let origin = data.isSplit ? "set aside from \(data.devFile)" : "\(data.devFile)"
            facts.append(RunReport.Fact("dev", "\(origin), \(count.counted("example"))"))
        }
        if data.dropped > 0 { facts.append(RunReport.Fact("left out", data.dropped.counted("duplicate"))) }
        return facts + data.checks.warnings.map { RunReport.Fact("warning", $0) }
    }

    /// Empty for numbers.
    private static func labelCounts(_ labels: [String], train: Targets, dev: Targets?) -> [RunReport.LabelCount] {
        guard let train = counts(labels.count, train) else { return [] }
        let dev = dev.flatMap { counts(labels.count, $0) }
        return labels.enumerated().map { index, label in
            RunReport.LabelCount(label: label, train: train[index], dev: dev?[index])
        }
    }

    private static func counts(_ labels: Int, _ targets: Targets) -> [Int]? {
        var counts = [Int](repeating: 0, count: labels)
        switch targets {
        case .classes(let classes):
            for label in classes { counts[label] += 1 }
        case .labelSets(let sets):
            for (place, value) in sets.values.enumerated() where value > 0.5 { counts[place % counts.count] += 1 }
        default: return nil
        }
        return counts
    }
}

/// The name of a model on the hub, where the store has it from there.
package struct ModelName {
    package let text: String

    /// - Parameters:
    ///   - name: as it was asked for.
    ///   - directory: where it lies: in the store `models--organization--name/snapshots/revision`.
    package init(_ name: String, _ directory: FilePath) {
        let parts = directory.components.map(\.string)
        guard let place = parts.lastIndex(of: "snapshots"), place > 0, parts[place - 1].hasPrefix("models--") else {
            text = name
            return
        }
        text = String(parts[place - 1].dropFirst("models--".count)).replacing("--", with: "/")
    }
}
