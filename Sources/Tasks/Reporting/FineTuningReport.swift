public import Checkpoints
public import JSON
public import SystemPackage
import Tensors

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
        history: TrainingHistory, train: LabelledExamples, dev: LabelledExamples?, analysis: DevAnalysis?,
        data: [RunReport.Fact] = [], run: [RunReport.Fact] = []
    ) {
        let name = output.lexicallyNormalized().lastComponent?.string ?? output.string
        let base = ModelName(model, directory).text
        let recipe =
            RunReport.facts(record["training"]?.object ?? [:]) + [
                RunReport.Fact("max length", "\(classifier.maxLength) tokens")
            ]
        var report = RunReport(title: name, baseModel: base, history: history)
        report.analysis = analysis
        report.devTexts = dev?.examples.map { RunReport.Text($0.text, pair: $0.pair, line: $0.line) } ?? []
        report.labelCounts = Self.labelCounts(classifier, train, dev)
        report.data = Self.data(train, dev) + data
        report.recipe = [RunReport.Fact("base model", base)] + recipe
        report.machine = Machine.facts + run
        self.report = report

        var card = ModelCard(
            name: name, baseModel: base, problem: classifier.problem, labels: classifier.labels,
            maxLength: classifier.maxLength, train: (Self.fileName(train), train.examples.count))
        card.isPair = train.examples.first?.pair != nil
        card.dev = dev.map { (Self.fileName($0), $0.examples.count) }
        card.metrics = analysis?.metrics
        card.temperature = analysis?.temperature?.temperature
        card.recipe = recipe
        self.card = card
    }

    /// Writes both into the directory.
    public func write(to directory: FilePath) throws(CheckpointError) {
        try AtomicFile.write(Array(report.html.utf8), to: directory.appending(RunReport.fileName))
        try AtomicFile.write(Array(card.text.utf8), to: directory.appending(ModelCard.fileName))
    }

    private static func fileName(_ examples: LabelledExamples) -> String {
        examples.file.lastComponent?.string ?? examples.file.string
    }

    private static func data(_ train: LabelledExamples, _ dev: LabelledExamples?) -> [RunReport.Fact] {
        var facts = [RunReport.Fact("train", "\(train.file), \(train.examples.count) examples")]
        if let dev { facts.append(RunReport.Fact("dev", "\(dev.file), \(dev.examples.count) examples")) }
        return facts
    }

    /// Empty for numbers.
    private static func labelCounts(
        _ classifier: SequenceClassifier, _ train: LabelledExamples, _ dev: LabelledExamples?
    ) -> [RunReport.LabelCount] {
        guard let trainCounts = counts(classifier, train) else { return [] }
        let devCounts = dev.flatMap { counts(classifier, $0) }
        return classifier.labels.enumerated().map { index, label in
            RunReport.LabelCount(label: label, train: trainCounts[index], dev: devCounts?[index])
        }
    }

    private static func counts(_ classifier: SequenceClassifier, _ examples: LabelledExamples) -> [Int]? {
        var counts = [Int](repeating: 0, count: classifier.labels.count)
        switch try? classifier.targets(examples) {
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
