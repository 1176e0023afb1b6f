public import Checkpoints
public import Embeddings
public import JSON
import SystemPackage
import Tensors
import Tokenizers
import Transformer

/// What a model directory holds.
public struct ModelSummary: Sendable {
    public struct File: Equatable, Sendable {
        public let name: String
        public let bytes: Int
        public let sha256: String
    }

    /// Facts in the order to be read.
    public let lines: [(title: String, text: String)]
    public let files: [File]
    public let tensors: [SafeTensors.Entry]

    public init(_ directory: ModelDirectory) throws(ModelError) {
        let (configuration, encoder, weights) = try loading { () throws(CheckpointError) in
            let configuration = try JSONFile(directory.configuration, purpose: "the model's architecture")
            return (configuration, try EncoderArchitecture(configuration), try directory.openWeights())
        }
        let tokenizer: Tokenizer
        do { tokenizer = try Tokenizer(directory: directory.path) } catch { throw .tokenizer(error) }
        tensors = weights.entries
        let isNumber: (SafeTensors.DataType) -> Bool = { [.float32, .float16, .bfloat16, .float64].contains($0) }
        let parameters = weights.entries.filter { isNumber($0.dataType) }.reduce(0) { $0 + $1.shape.count }
        var lines = [
            ("directory", directory.path.string),
            ("architecture", try loading { () throws(CheckpointError) in try configuration.string("model_type") }),
            (
                "encoder",
                "\(encoder.numHiddenLayers) layers, hidden size \(encoder.hiddenSize), \(encoder.numAttentionHeads) heads, "
                    + "intermediate size \(encoder.intermediateSize), \(encoder.hiddenAct.rawValue)"
            ),
            ("positions", "\(encoder.maxTokens)"),
            ("parameters", "\(parameters) in \(weights.entries.count) tensors"),
            ("tokenizer", "\(tokenizer.vocabularySize) tokens, from \(Self.name(tokenizer.files, below: directory))"),
        ]
        lines += try loading { () throws(CheckpointError) in try Self.head(configuration, in: directory) }
        if directory.exists("modules.json") {
            let modules = try loading { () throws(CheckpointError) in try SentenceModules(directory) }
            lines.append(
                ("sentences", "\(modules.pooling.rawValue) pooling\(modules.normalizes ? ", normalized" : "")"))
        }
        self.lines = lines.map { (title: $0.0, text: $0.1) }
        files = try loading { () throws(CheckpointError) in
            var files: [File] = []
            for path in directory.files {
                let file = try MappedFile(path)
                files.append(
                    File(name: Self.relative(path, to: directory), bytes: file.count, sha256: file.sha256))
            }
            return files
        }
    }

    private static func head(
        _ configuration: JSONFile, in directory: ModelDirectory
    ) throws(CheckpointError) -> [(String, String)] {
        let head = PublishedHead(configuration)
        var lines: [(String, String)] = []
        var text = head?.kind.name ?? "not named"
        if let verb = head?.kind.verb { text += ": graft \(verb)" }
        let isClassifier = head?.kind == .sequenceClassification
        if isClassifier {
            let classifier = try ClassifierConfiguration(configuration, in: directory)
            text += ", \(classifier.problem.rawValue)\(classifier.isCrossEncoder ? ", a cross-encoder" : "")"
        }
        lines.append(("head", text))
        if configuration.object["id2label"] != nil || isClassifier || head?.kind == .tokenClassification {
            lines.append(("labels", try ClassifierConfiguration.labels(configuration).joined(separator: ", ")))
        }
        return lines
    }

    public func json(listsTensors: Bool) -> JSON {
        var object = JSONObject()
        for (title, text) in lines { object.append(title, .string(text)) }
        object["files"] = .array(
            files.map { file in
                .object(["name": .string(file.name), "bytes": .integer(file.bytes), "sha256": .string(file.sha256)])
            })
        if listsTensors {
            object["tensors"] = .array(
                tensors.map { entry in
                    .object([
                        "name": .string(entry.name), "dtype": .string(entry.dataType.rawValue),
                        "shape": .array(entry.shape.dimensions.map { .integer($0) }),
                    ])
                })
        }
        return .object(object)
    }

    private static func name(_ files: [FilePath], below directory: ModelDirectory) -> String {
        files.first.map { relative($0, to: directory) } ?? "no file"
    }

    private static func relative(_ path: FilePath, to directory: ModelDirectory) -> String {
        var path = path
        _ = path.removePrefix(directory.path)
        return path.string
    }
}
