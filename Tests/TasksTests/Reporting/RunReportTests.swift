import Checkpoints
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("RunReport")
struct RunReportTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private let hostile = "</td><script>alert(1)</script><img src=x onerror=alert(2)>"

    private func classifier(_ labels: [String], _ problem: ProblemType = .singleLabel) throws -> SequenceClassifier {
        try SequenceClassifier(
            pretrained: ModelDirectory(TinyModel.make(in: scratch, named: "model")), labels: labels, problem: problem,
            random: RandomSource(seed: 1))
    }

    private var history: TrainingHistory {
        var history = TrainingHistory()
        for step in 1...20 {
            history.append(
                .step(
                    TrainingHistory.Step(
                        step: step, epoch: 1, loss: 1 / Double(step), learningRate: 1e-5, gradientNorm: 1)))
        }
        history.append(
            .evaluation(
                TrainingHistory.Evaluation(
                    step: 20, epoch: 1, trainingLoss: 0.3,
                    dev: ["examples": .integer(4), "accuracy": .number(0.5), "loss": .number(0.7)], isBest: true)))
        history.append(.event("rollback", step: 20, detail: hostile))
        return history
    }

    private func report(_ analysis: DevAnalysis?) -> RunReport {
        var report = RunReport(title: hostile, baseModel: hostile, history: history)
        report.analysis = analysis
        for row in 0..<4 { report.devTexts[row] = RunReport.Text(hostile, pair: hostile, line: row + 2) }
        report.labelCounts = [RunReport.LabelCount(label: hostile, train: 3, dev: 1)]
        report.data = [RunReport.Fact(hostile, hostile)]
        report.recipe = RunReport.facts(["learning_rate": .number(5e-5), "lora": .object(["rank": .integer(8)])])
        return report
    }

    @Test("texts, labels and names of a report are text, whatever they hold", arguments: ProblemType.allCases)
    func escaping(problem: ProblemType) throws {
        let logits = Tensor([4, 2], [3, -1, 2, 1, -2, 0, 0.5, -0.5])
        let targets: Targets =
            switch problem {
            case .singleLabel: .classes([0, 1, 1, 1])
            case .multiLabel: .labelSets(Tensor([4, 2], [1, 0, 1, 1, 1, 0, 0, 0]))
            case .regression: .values(Tensor([4, 2], [3, 0, 2, 2, -1, 0, 0.5, 0.5]))
            }
        let analysis = try DevAnalysis(classifier([hostile, "b"], problem), logits: logits, targets: targets)
        let html = report(analysis).html
        #expect(html == report(analysis).html)
        #expect(html.split(separator: "<script").count == 2 && !html.contains("<img"))
        #expect(html.split(separator: "alert(1)").count > 5, "the texts are shown")
        for reference in ["http:", "https:", "src=", "@import", "url("] {
            #expect(!html.contains(reference) || html.contains("&lt;img src="), "\(reference)")
        }
        #expect(html.hasPrefix("<!DOCTYPE html>") && html.hasSuffix("</html>\n"))
        #expect(html.contains("lora: rank") && html.contains("Gradient norm"))
        #expect(html.contains("Calibration") == (problem != .regression))
        #expect(html.contains("By the score from which on") == (problem == .multiLabel))
        #expect(html.contains("Confusion matrix") == (problem == .singleLabel))
    }

    @Test("without a dev set the report says so")
    func withoutDev() {
        let html = report(nil).html
        #expect(html.contains("Without a dev set") && !html.contains("Worst mistakes"))
    }

    @Test("the worst mistakes are those given the highest scores")
    func mistakes() throws {
        let logits = Tensor([4, 2], [3, -1, 2, 1, -2, 0, 0.5, -0.5])
        let analysis = try DevAnalysis(classifier(["a", "b"]), logits: logits, targets: .classes([1, 1, 1, 0]))
        let mistakes = analysis.mistakes(5)
        #expect(mistakes.map(\.index) == [0, 1])
        #expect(mistakes[0].given == "b" && mistakes[0].predicted == "a" && abs(mistakes[0].score - 0.982) < 1e-3)
        #expect(analysis.mistakes(1).count == 1)
    }

    @Test("intervals enclose their numbers")
    func intervals() throws {
        let logits = Tensor([4, 2], [3, -1, 2, 1, -2, 0, 0.5, -0.5])
        let analysis = try DevAnalysis(classifier(["a", "b"]), logits: logits, targets: .classes([1, 1, 1, 0]))
        let estimates = analysis.estimates
        for estimate in estimates.headline + estimates.perLabel.flatMap({ [$0.precision, $0.recall, $0.f1] }) {
            #expect(estimate.interval.contains(estimate.value), "\(estimate)")
        }
        #expect(estimates.headline.map(\.name) == ["accuracy", "macro-F1"])
        #expect(estimates.perLabel.map(\.support) == [1, 3])
    }

    @Test("a long text is cut, between characters")
    func longTexts() {
        #expect(RunReport.shortened(String(repeating: "ä", count: 400)).count == 400)
        #expect(RunReport.shortened(String(repeating: "ä", count: 401)) == String(repeating: "ä", count: 399) + "…")
    }
}

@Suite("ModelCard")
struct ModelCardTests {
    private func card(_ base: String = "sentence-transformers/all-MiniLM-L6-v2") -> ModelCard {
        var card = ModelCard(
            name: "my \"reviews\"", baseModel: base, task: .texts(.singleLabel), labels: ["negative", "po`s|itive"],
            maxLength: 256, train: ("train|1.tsv", 96))
        card.dev = ("dev.tsv", 4)
        card.metrics = .classification(
            ClassificationMetrics(labels: ["negative", "positive"], targets: [0, 0, 1, 1], predictions: [0, 1, 1, 1]))
        card.recipe = [RunReport.Fact("learning rate", "5e-05")]
        return card
    }

    @Test("the front matter holds what the hub asks for")
    func frontMatter() throws {
        let text = card().text
        let parts = text.split(separator: "---\n", maxSplits: 1).map(String.init)
        #expect(
            text.hasPrefix("---\n") && parts[0].contains("base_model: \"sentence-transformers/all-MiniLM-L6-v2\"\n"))
        #expect(parts[0].contains("- name: \"my \\\"reviews\\\"\"\n"))
        #expect(parts[0].contains("    - type: accuracy\n      name: Accuracy\n      value: 0.7500\n"))
        #expect(!card("./model").text.contains("base_model:"))
    }

    @Test("the text says how to use the model, what it was made of and how well it does")
    func text() {
        var card = card()
        card.temperature = 1.5
        let text = card.text
        #expect(text.contains("one of 2 labels: `negative`, `pos|itive`"))
        #expect(text.contains("| train | `train\\|1.tsv` | 96 |") && text.contains("| learning rate | 5e-05 |"))
        #expect(text.contains("| Accuracy | 0.7500 (95 % confidence: 0.3006 to 0.9544) |"))
        #expect(text.contains("divides the logits by 1.5") && text.contains("pipeline(\"text-classification\""))
        card.library = .peft
        #expect(card.text.contains("library_name: peft\n") && card.text.contains("AutoPeftModel"))
        #expect(card.text.contains("An adapter for `sentence-transformers/all-MiniLM-L6-v2`"))
        card.library = .adapters
        #expect(card.text.contains("library_name: adapter-transformers\n"))
        #expect(card.text.contains(".load_adapter(\".\"") && !card.text.contains("pipeline("))
        card.hasSeveralAdapters = true
        #expect(card.text.contains(".load_adapter_setup(\".\""))
    }

    @Test("a model's name on the hub is read from its place in the store")
    func names() {
        let place: FilePath = "/hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/abc"
        #expect(ModelName("all-MiniLM-L6-v2", place).text == "sentence-transformers/all-MiniLM-L6-v2")
        #expect(ModelName("./mine", "/home/mine").text == "./mine")
    }
}
