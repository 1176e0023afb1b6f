import Checkpoints
import Embeddings
import JSON
import Tensors
import Transformer

/// The part of `config.json` that describes a classification head, of texts or of tokens.
struct ClassifierConfiguration: Equatable, Sendable {
    /// In the order of the logits.
    let labels: [String]
    let problem: ProblemType
    let scoring: ScoreFunction
    /// Whether sentence-transformers published it as a `CrossEncoder`.
    let isCrossEncoder: Bool

    /// A new head.
    init(labels: [String], problem: ProblemType) {
        self.labels = labels
        self.problem = problem
        scoring = Self.scoring(problem)
        isCrossEncoder = false
    }

    /// AdapterHub's, whose file does not tell several numbers from single labels.
    ///
    /// - Parameter record: what Graft wrote beside it.
    init(_ head: AdapterHubHead, record: JSONFile?) throws(CheckpointError) {
        let problem: ProblemType
        if let record, record.object["problem_type"] != nil {
            problem = try Self.problem(record, labels: head.labels.count)
        } else {
            switch head.problem {
            case .multiLabel: problem = .multiLabel
            case .classification: problem = head.labels.count == 1 ? .regression : .singleLabel
            }
        }
        self.init(labels: head.labels, problem: problem)
    }

    /// A published head, as transformers and, for a `CrossEncoder`, sentence-transformers read it.
    init(_ file: JSONFile, in directory: ModelDirectory) throws(CheckpointError) {
        labels = try Self.labels(file)
        problem = try Self.problem(file, labels: labels.count)
        let crossEncoder = try CrossEncoderSettings(file, in: directory)
        isCrossEncoder = crossEncoder != nil
        // Of a head with one output and no word about its problem, transformers takes the sigmoid.
        let isUnnamed = labels.count == 1 && (file.object["problem_type"] ?? .null) == .null
        scoring = crossEncoder?.scoring(labels: labels.count) ?? (isUnnamed ? .sigmoid : Self.scoring(problem))
        guard labels.count >= (scoring == .softmax ? 2 : 1) else {
            throw file.invalid("id2label", expected: "at least two labels")
        }
        guard Set(labels).count == labels.count else {
            throw file.invalid("id2label", expected: "a different name for every label")
        }
    }

    /// The head of an adapter: what Graft wrote beside it, else the base's labels if they are as many, else numbered ones.
    init(
        _ adapter: OpenedAdapter, _ head: HeadArchitecture, base: JSONFile
    ) throws(CheckpointError) {
        let count = adapter.weights[head.output + ".weight"]?.shape.rows ?? 0
        var file = base
        if let record = adapter.record, let labels = record.object["labels"] {
            file = record
            guard let names = labels.array, names.allSatisfy({ $0.string != nil }) else {
                throw record.invalid("labels", expected: "a list of names")
            }
            self.labels = names.compactMap(\.string)
        } else {
            let named = base.object["id2label"] == nil ? [] : try Self.labels(base)
            labels = named.count == count ? named : (0..<count).map { "LABEL_\($0)" }
            if named.count != count { file.object["problem_type"] = nil }
        }
        guard labels.count == count, Set(labels).count == count else {
            throw file.invalid("labels", expected: "\(count) different names, as many as the head has outputs")
        }
        problem = try Self.problem(file, labels: count)
        scoring = Self.scoring(problem)
        isCrossEncoder = false
    }

    private static func scoring(_ problem: ProblemType) -> ScoreFunction {
        switch problem {
        case .singleLabel: .softmax
        case .multiLabel: .sigmoid
        case .regression: .identity
        }
    }

    /// `problem_type`, else regression for one output and single-label classification for several.
    private static func problem(_ file: JSONFile, labels: Int) throws(CheckpointError) -> ProblemType {
        guard let value = file.object["problem_type"], value != .null else {
            return labels == 1 ? .regression : .singleLabel
        }
        guard let type = value.string.flatMap(ProblemType.init) else {
            let names = ProblemType.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.invalid("problem_type", expected: "one of \(names)")
        }
        if type == .singleLabel, labels == 1 {
            throw file.invalid("problem_type", expected: "\"regression\" for a head with one label")
        }
        return type
    }

    /// `id2label`; without it `LABEL_0` and so on, as many as `num_labels` says, or two for a head that is named in
    /// `architectures`.
    static func labels(_ file: JSONFile) throws(CheckpointError) -> [String] {
        guard let names = file.object["id2label"]?.object else {
            let isNamed = PublishedHead(file)?.kind.verb != nil
            guard isNamed || file.object["num_labels"]?.integer != nil else {
                throw .invalidValue(
                    file.path, key: "id2label", found: nil,
                    expected: "the labels of a classifier; this model has no classification head "
                        + "(graft finetune makes one)")
            }
            let count = try file.size("num_labels", absent: 2)
            guard count <= 1 << 20 else { throw file.invalid("num_labels", expected: "at most \(1 << 20)") }
            return (0..<count).map { "LABEL_\($0)" }
        }
        var labels: [String] = []
        for index in 0..<names.members.count {
            guard let value = names["\(index)"], let label = value.string ?? value.integer.map({ "\($0)" }) else {
                throw file.invalid("id2label", expected: "names for the labels 0 to \(names.members.count - 1)")
            }
            labels.append(label)
        }
        guard !labels.isEmpty else { throw file.invalid("id2label", expected: "at least one label") }
        return labels
    }

    /// The configuration of a model made from a pretrained one, with all that the pretrained one's says beside it. Its
    /// weights are written as binary32.
    ///
    /// - Parameter problem: `nil` of a head for tokens, for which transformers has no name.
    static func object(
        _ base: JSONObject, labels: [String], problem: ProblemType?, architecture: String
    ) -> JSONObject {
        var object = base
        object["architectures"] = .array([.string(architecture)])
        object.changeWeightType(to: .float32)
        var names = JSONObject()
        var indices = JSONObject()
        for (index, label) in labels.enumerated() {
            names.append("\(index)", .string(label))
            indices.append(label, .integer(index))
        }
        object["id2label"] = .object(names)
        object["label2id"] = .object(indices)
        object["num_labels"] = nil
        object["problem_type"] = problem.map { .string($0.rawValue) }
        for key in CrossEncoderSettings.configurationKeys { object[key] = nil }
        return object
    }
}
