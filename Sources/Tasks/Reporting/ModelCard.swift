import Checkpoints
public import Embeddings

/// `README.md` of a fine-tuned model: what it is, how to use it, what it was made from and how well it does.
///
/// The same run makes the same card: nothing in it depends on time or machine.
///
/// Source of the front matter: "Model Cards", "Model index", documentation of the Hugging Face hub.
public struct ModelCard: Sendable {
    public static let fileName = "README.md"

    public struct Metric: Equatable, Sendable {
        /// As the hub's `metrics` name it, such as `f1`.
        public let type: String
        public let name: String
        public let value: Double
    }

    /// What loads the directory in Python, by the hub's name: it holds a whole model or an adapter.
    public enum Library: String, Sendable {
        case transformers
        case peft
        /// AdapterHub's library, of one adapter or of several together.
        case adapters = "adapter-transformers"
        case fastText = "fasttext"
    }

    public var name: String
    /// A name, or where it has one its place on the hub, `organization/name`.
    public var baseModel: String
    public var task: TrainingTask
    public var labels: [String]
    /// Whether an input is two texts.
    public var isPair = false
    public var library = Library.transformers
    /// With AdapterHub's library: whether the directory holds several adapters that work together.
    public var hasSeveralAdapters = false
    /// After so many tokens texts are cut; `nil`: never.
    public var maxLength: Int?
    /// With fastText: how texts become words.
    public var words = WordSplitting.Rule.blanks
    /// The file names of the data and how many examples they hold; `nil` without a dev set.
    public var train: (file: String, examples: Int)
    public var dev: (file: String, examples: Int)?
    public var metrics: EvaluationMetrics?
    public var temperature: Float?
    public var recipe: [RunReport.Fact] = []

    public init(
        name: String, baseModel: String, task: TrainingTask, labels: [String], maxLength: Int?,
        train: (file: String, examples: Int)
    ) {
        self.name = name
        self.baseModel = baseModel
        self.task = task
        self.labels = labels
        self.maxLength = maxLength
        self.train = train
    }

    /// What the hub knows metrics by.
    var measured: [Metric] {
        switch metrics {
        case .classification(let metrics):
            [
                Metric(type: "accuracy", name: "Accuracy", value: metrics.accuracy),
                Metric(type: "f1", name: "Macro-F1", value: metrics.macroF1),
            ]
        case .multiLabel(let metrics):
            [
                Metric(type: "f1", name: "Micro-F1", value: metrics.micro.f1),
                Metric(type: "f1", name: "Macro-F1", value: metrics.macroF1),
                Metric(type: "accuracy", name: "Exact match", value: metrics.exactMatch),
            ]
        case .regression(let metrics):
            [
                metrics.pearson.map { Metric(type: "pearsonr", name: "Pearson", value: $0) },
                metrics.spearman.map { Metric(type: "spearmanr", name: "Spearman", value: $0) },
                Metric(type: "mse", name: "Mean squared error", value: metrics.mse),
            ].compactMap { $0 }
        case .entities(let metrics):
            [
                Metric(type: "f1", name: "Entity F1", value: metrics.micro.f1),
                Metric(type: "precision", name: "Entity precision", value: metrics.micro.precision),
                Metric(type: "recall", name: "Entity recall", value: metrics.micro.recall),
                Metric(type: "accuracy", name: "Word accuracy", value: metrics.accuracy),
            ]
        case .sentences, nil: []
        }
    }

    public var text: String {
        "\(frontMatter)\n\(introduction)\n\(usage)\n\(dataText)\n\(metricsText)\n\(recipeText)\n\(limits)"
    }

    // MARK: For the hub

    private var frontMatter: String {
        var lines = [
            "---", "library_name: \(library.rawValue)", "pipeline_tag: \(task.pipelineTag)",
        ]
        if let base = Markdown.hubName(baseModel) { lines.append("base_model: \(base)") }
        lines += ["tags:", "- \(task.pipelineTag)", "- graft"]
        if !measured.isEmpty, let dev {
            var types: [String] = []
            for metric in measured where !types.contains(metric.type) { types.append(metric.type) }
            lines += ["metrics:"] + types.map { "- \($0)" }
            lines += [
                "model-index:", "- name: \(Markdown.quoted(name))", "  results:", "  - task:",
                "      type: \(task.pipelineTag)",
                "    dataset:", "      name: \(Markdown.quoted(dev.file))", "      type: \(Markdown.quoted(dev.file))",
                "      split: validation", "    metrics:",
            ]
            for metric in measured {
                lines += [
                    "    - type: \(metric.type)", "      name: \(metric.name)",
                    "      value: \(fixed(metric.value, 4))",
                ]
            }
        }
        return (lines + ["---", ""]).joined(separator: "\n")
    }

    // MARK: For people

    private var introduction: String {
        let input = isPair ? "a pair of texts" : "a text"
        let purpose =
            switch task {
            case .texts(.singleLabel): "gives \(input) one of \(labels.count) labels: \(names)"
            case .texts(.multiLabel): "gives \(input) any of \(labels.count) labels: \(names)"
            case .tokens: "gives every word of \(input) one of \(labels.count) tags: \(names)"
            case .texts(.regression):
                labels.count == 1 ? "gives \(input) a number" : "gives \(input) \(labels.count) numbers"
            }
        let kind =
            switch library {
            case .transformers: "Fine-tuned from"
            case .fastText: "A fastText classifier on the word vectors"
            case .peft, .adapters: "An adapter for"
            }
        return """
            # \(Markdown.escaped(name))

            \(kind) \(Markdown.code(baseModel)) with Graft. It \(purpose).

            """
    }

    private var names: String {
        let shown = labels.prefix(30).map { Markdown.code($0) }.joined(separator: ", ")
        return labels.count > 30 ? "\(shown) and \(labels.count - 30) more" : shown
    }

    private var usage: String {
        let line =
            task == .tokens
            ? "echo 'a text' | graft tag ."
            : isPair
                ? "printf 'a text\\tanother text\\n' | graft classify . --pairs" : "echo 'a text' | graft classify ."
        let calibration =
            temperature.map {
                """

                Graft divides the logits by \($0), which was fitted to the dev set, before they become scores; \
                `--raw-scores` leaves that out, and so does Python.

                """
            } ?? ""
        return """
            ## Use

            In this directory, with Graft:

                \(line)

            With \(python.library):

            ```python
            \(python.code)
            ```

            \(reading)
            \(calibration)
            """
    }

    private var reading: String {
        if let maxLength { return "Texts are cut after \(maxLength) tokens." }
        return switch words {
        case .blanks: "Words are what stands between blanks."
        case .unicode: "Words are those of Unicode's rules: give Python texts with blanks between such words alone."
        case .lowercase:
            "Words are those of Unicode's rules in lower case: give Python texts with blanks between such words alone."
        }
    }

    /// The library by its own name, and how it runs or loads the model.
    private var python: (library: String, code: String) {
        switch library {
        case .transformers:
            let pair = #"{"text": "a text", "text_pair": "another text"}"#
            let call =
                task == .tokens
                ? #"tagger("a text", aggregation_strategy="simple")"#
                : "classifier(\(isPair ? pair : #""a text""#))"
            return (
                "transformers",
                """
                from transformers import pipeline

                \(task == .tokens ? "tagger" : "classifier") = pipeline("\(task.pipelineTag)", model=".")
                \(call)
                """
            )
        case .peft:
            return (
                "PEFT",
                """
                from peft import AutoPeftModelForSequenceClassification

                labels = [\(labels.map { Markdown.quoted($0) }.joined(separator: ", "))]
                model = AutoPeftModelForSequenceClassification.from_pretrained(".", id2label=dict(enumerate(labels)))
                """
            )
        case .fastText:
            return (
                "fastText",
                """
                import fasttext

                model = fasttext.load_model("\(WordVectorClassifier.modelName)")
                model.predict("a text")
                """
            )
        case .adapters:
            let call = hasSeveralAdapters ? "load_adapter_setup" : "load_adapter"
            return (
                "AdapterHub's library",
                """
                from adapters import AutoAdapterModel

                model = AutoAdapterModel.from_pretrained(\(Markdown.quoted(baseModel)))
                model.\(call)(".", set_active=True, use_safetensors=True)
                """
            )
        }
    }

    private var dataText: String {
        var rows = ["| train | \(Markdown.code(train.file, inTable: true)) | \(train.examples) |"]
        if let dev { rows.append("| dev | \(Markdown.code(dev.file, inTable: true)) | \(dev.examples) |") }
        return """
            ## Data

            | part | file | examples |
            |---|---|---:|
            \(rows.joined(separator: "\n"))

            """
    }

    private var metricsText: String {
        guard let dev, !measured.isEmpty else { return "## Metrics\n\nNot measured: there was no dev set.\n" }
        var rows = measured.map { "| \($0.name) | \(fixed($0.value, 4)) |" }
        if case .classification(let metrics) = metrics {
            let interval = metrics.accuracyInterval
            rows[0] =
                "| Accuracy | \(fixed(metrics.accuracy, 4)) (95 % confidence: "
                + "\(fixed(interval.lowerBound, 4)) to \(fixed(interval.upperBound, 4))) |"
        }
        return """
            ## Metrics

            On the dev set, \(dev.examples.counted("example")):

            | metric | value |
            |---|---:|
            \(rows.joined(separator: "\n"))

            """
    }

    private var recipeText: String {
        """
        ## Recipe

        \(Markdown.table(("setting", "value"), recipe.map { ($0.name, $0.value) }))

        """
    }

    private var limits: String {
        """
        ## Limits

        The model knows what its examples show and what its base model learned, biases included. On texts of another kind \
        than the dev set's its numbers are unknown: measure with `graft evaluate . --data FILE`.

        """
    }
}
