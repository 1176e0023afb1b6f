public import JSON

/// `report.html`: what a run did and what came of it, in one file without references to others.
public struct RunReport: Sendable {
    public static let fileName = "report.html"

    /// Something to know, such as a setting, by its name.
    public struct Fact: Equatable, Sendable {
        public let name: String
        public let value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// How many examples have a label.
    public struct LabelCount: Equatable, Sendable {
        public let label: String
        public let train: Int
        public let dev: Int?

        public init(label: String, train: Int, dev: Int?) {
            self.label = label
            self.train = train
            self.dev = dev
        }
    }

    /// The texts of an example.
    public struct Text: Equatable, Sendable {
        public let text: String
        public let pair: String?
        /// In its file, from 1.
        public let line: Int

        public init(_ text: String, pair: String?, line: Int) {
            self.text = text
            self.pair = pair
            self.line = line
        }
    }

    /// What was made: the name of the output.
    public var title: String
    public var baseModel: String
    public var history: TrainingHistory
    /// `nil` without a dev set.
    public var analysis: DevAnalysis? { didSet { estimates = analysis?.estimates } }
    private(set) var estimates: (headline: [DevAnalysis.Estimate], perLabel: [DevAnalysis.LabelEstimates])?
    /// Of a tagger, in place of `analysis`.
    public var entities: EntityMetrics?
    /// Those of the dev set that are shown, by their index in the analysis.
    public var devTexts: [Int: Text] = [:]
    static let shownMistakes = 20
    public var labelCounts: [LabelCount] = []
    /// What was checked and found in the data.
    public var data: [Fact] = []
    public var recipe: [Fact] = []
    public var machine: [Fact] = []
    /// Whether the model has the weights of the last evaluation and not those of the best.
    public var keepsLast = false

    /// The evaluation of the weights that the model has.
    var kept: TrainingHistory.Evaluation? { keepsLast ? history.evaluations.last : history.best }

    public init(title: String, baseModel: String, history: TrainingHistory) {
        self.title = title
        self.baseModel = baseModel
        self.history = history
    }

    /// The settings of an object, nested ones too, as facts: `learning_rate` as "learning rate".
    public static func facts(_ object: JSONObject) -> [Fact] {
        object.members.flatMap { member -> [Fact] in
            let name = member.key.replacing("_", with: " ")
            switch member.value {
            case .null: return []
            case .object(let inner): return facts(inner).map { Fact("\(name): \($0.name)", $0.value) }
            case .string(let text): return [Fact(name, text)]
            default: return [Fact(name, String(decoding: member.value.serialized(), as: UTF8.self))]
            }
        }
    }

    /// The file's contents.
    public var html: String {
        let sections = [summary, curves, quality, entityTable, calibration, mistakes, dataSection, settings]
        return HTMLPage(title: "\(title): fine-tuning report", body: HTML(sections)).html
    }
}
