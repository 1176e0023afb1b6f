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

    /// Something to know about a model: for people, and for programs.
    public struct Fact: Equatable, Sendable {
        public let title: String
        public let text: String
        public let value: JSON

        init(_ title: String, _ text: String, _ value: JSON? = nil) {
            self.title = title
            self.text = text
            self.value = value ?? .string(text)
        }
    }

    /// Facts in the order to be read.
    public let facts: [Fact]
    public let files: [File]
    public let tensors: [TensorEntry]

    /// - Throws: what is wrong with the directory; an architecture that this version does not run is not.
    public init(_ directory: ModelDirectory) throws(ModelError) {
        if WordVectorClassifier.isPublished(in: directory) {
            let classifier = try WordVectorClassifier(directory.path)
            facts = [Fact("directory", directory.path.string)] + Self.facts(classifier)
            tensors = []
            files = try Self.files(directory)
            return
        }
        let adapter = try loading { () throws(CheckpointError) in try AdapterDirectory(directory) }
        let weights: any TensorArchive
        var facts = [Fact("directory", directory.path.string)]
        if let adapter {
            weights = adapter.weights
            facts += Self.facts(adapter)
        } else {
            let (modules, settings) = try loading { () throws(CheckpointError) in
                (try SentenceModules(directory), try SentenceSettings(directory))
            }
            let archive = try loading { () throws(CheckpointError) in try modules.directory.openWeights() }
            weights = archive
            if modules.isStatic {
                facts += Self.tableFacts(archive) + [try Self.tokenizer(modules.directory, below: directory)]
            } else {
                facts += try Self.encoderFacts(modules.directory, below: directory)
            }
            if directory.exists("modules.json") || modules.isStatic { facts.append(Self.fact(modules)) }
            facts += Self.facts(settings)
        }
        facts.insert(contentsOf: Self.facts(weights, below: directory), at: 1)
        self.facts = facts
        tensors = weights.entries
        files = try Self.files(directory)
    }

    private static func files(_ directory: ModelDirectory) throws(ModelError) -> [File] {
        try loading { () throws(CheckpointError) in
            var files: [File] = []
            for path in directory.files {
                let file = try directory.map(path)
                files.append(File(name: relative(path, to: directory), bytes: file.count, sha256: file.sha256))
            }
            return files
        }
    }

    // MARK: Facts

    private static func facts(_ classifier: WordVectorClassifier) -> [Fact] {
        let (model, rule) = (classifier.model, classifier.splitting.rule)
        return [
            Fact("format", "fastText, \(WordVectorClassifier.modelName)", .string("fastText")),
            Fact("architecture", "a linear classifier on word vectors", .string("fasttext")),
            Fact(
                "vectors",
                "\(model.words.counted("word")) of \(model.dimension.counted("number")), runs of up to "
                    + "\(max(1, model.wordNgrams)) words, \(model.buckets) buckets",
                .object([
                    "words": .integer(model.words), "size": .integer(model.dimension),
                    "wordNgrams": .integer(model.wordNgrams), "buckets": .integer(model.buckets),
                ])),
            Fact("words", rule.description, .string(rule.rawValue)),
            Fact("head", "\(model.loss): graft classify, \(classifier.problem.rawValue)"),
            Fact("labels", model.labels.joined(separator: ", "), .array(model.labels.map { .string($0) })),
        ]
    }

    private static func facts(_ weights: any TensorArchive, below directory: ModelDirectory) -> [Fact] {
        let numbers = weights.entries.filter(\.dataType.isFloatingPoint)
        let parameters = numbers.reduce(0) { $0 + $1.shape.count }
        let types = Dictionary(grouping: weights.entries, by: \.dataType.rawValue).sorted { $0.key < $1.key }
        return [
            Fact("format", "\(weights.format), \(name(weights.files, below: directory))", .string(weights.format)),
            Fact("parameters", "\(parameters) in \(weights.entries.count.counted("tensor"))", .integer(parameters)),
            Fact(
                "dataTypes", types.map { "\($0.key) (\($0.value.count))" }.joined(separator: ", "),
                .object(types.reduce(into: JSONObject()) { $0.append($1.key, .integer($1.value.count)) })),
        ]
    }

    private static func facts(_ adapter: AdapterDirectory) -> [Fact] {
        var facts = [
            Fact("adapter", "\(adapter.kind), of \(adapter.library.rawValue)", .string(adapter.kind)),
            Fact("library", adapter.library.rawValue),
        ]
        if let base = adapter.baseModel { facts.append(Fact("base", base)) }
        let settings = adapter.settings.map { "\($0.key) \(String(decoding: $0.value.serialized(), as: UTF8.self))" }
        facts.append(
            Fact(
                "settings", settings.joined(separator: ", "),
                .object(adapter.settings.reduce(into: JSONObject()) { $0.append($1.key, $1.value) })))
        return facts
    }

    private static func encoderFacts(
        _ directory: ModelDirectory, below root: ModelDirectory
    ) throws(ModelError) -> [Fact] {
        let configuration = try loading { () throws(CheckpointError) in try directory.openConfiguration() }
        var facts: [Fact]
        do throws(CheckpointError) {
            let architecture = try EncoderArchitecture(configuration)
            facts = [Fact("architecture", architecture.modelType)] + Self.facts(architecture)
        } catch {
            switch error {
            case .unsupportedArchitecture(_, let type, _):
                return [Fact("architecture", "\(type), which this version does not run", .string(type))]
            case .invalidValue(_, "model_type", _, _):
                return [Fact("architecture", "unknown: config.json has no model_type", .null)]
            default: throw .checkpoint(error)
            }
        }
        facts.append(try tokenizer(directory, below: root))
        facts += try loading { () throws(CheckpointError) in try head(configuration, in: directory) }
        return facts
    }

    private static func head(
        _ configuration: JSONFile, in directory: ModelDirectory
    ) throws(CheckpointError) -> [Fact] {
        let head = PublishedHead(configuration)
        var text = head?.kind.name ?? "not named"
        if let verb = head?.kind.verb { text += ": graft \(verb)" }
        let isClassifier = head?.kind == .sequenceClassification
        if isClassifier {
            let classifier = try ClassifierConfiguration(configuration, in: directory)
            text += ", \(classifier.problem.rawValue)\(classifier.isCrossEncoder ? ", a cross-encoder" : "")"
        }
        var facts = [Fact("head", text)]
        if configuration.object["id2label"] != nil || isClassifier || head?.kind == .tokenClassification {
            let labels = try ClassifierConfiguration.labels(configuration)
            facts.append(Fact("labels", labels.joined(separator: ", "), .array(labels.map { .string($0) })))
        }
        return facts
    }

    private static func tableFacts(_ weights: any TensorArchive) -> [Fact] {
        var facts = [Fact("architecture", "static embeddings", .string("static"))]
        if let table = weights["embeddings"] ?? weights["embedding.weight"], table.shape.dimensions.count == 2 {
            let (rows, columns) = (table.shape.rows, table.shape.columns)
            facts.append(
                Fact(
                    "table", "\(rows) vectors of \(columns), \(table.dataType.rawValue)",
                    .object([
                        "vectors": .integer(rows), "size": .integer(columns),
                        "dataType": .string(table.dataType.rawValue),
                    ])))
        }
        return facts
    }

    private static func fact(_ modules: SentenceModules) -> Fact {
        Fact("sentences", modules.summary.joined(separator: ", "), .array(modules.summary.map { .string($0) }))
    }

    private static func facts(_ settings: SentenceSettings) -> [Fact] {
        var facts: [Fact] = []
        if !settings.prompts.isEmpty {
            let names = settings.prompts.map {
                $0.name == settings.defaultPromptName ? "\($0.name) (default)" : $0.name
            }
            facts.append(
                Fact(
                    "prompts", names.joined(separator: ", "),
                    .object(settings.prompts.reduce(into: JSONObject()) { $0.append($1.name, .string($1.text)) })))
        }
        if let similarity = settings.similarity { facts.append(Fact("similarity", similarity)) }
        return facts
    }

    private static func tokenizer(
        _ directory: ModelDirectory, below root: ModelDirectory
    ) throws(ModelError) -> Fact {
        do throws(TokenizerError) {
            let tokenizer = try Tokenizer(directory: directory.path)
            let file = name(tokenizer.files, below: root)
            return Fact(
                "tokenizer", "\(tokenizer.vocabularySize.counted("token")), from \(file)",
                .object(["vocabularySize": .integer(tokenizer.vocabularySize), "file": .string(file)]))
        } catch .noTokenizerFile {
            return Fact("tokenizer", "none: its files are not in the directory", .null)
        } catch { throw .tokenizer(error) }
    }

    private static func facts(_ encoder: EncoderArchitecture) -> [Fact] {
        [
            Fact(
                "encoder",
                "\(encoder.numHiddenLayers.counted("layer")), hidden size \(encoder.hiddenSize), "
                    + "\(encoder.numAttentionHeads.counted("head")), "
                    + "intermediate size \(encoder.intermediateSize), \(encoder.hiddenAct.rawValue)",
                .object([
                    "numHiddenLayers": .integer(encoder.numHiddenLayers), "hiddenSize": .integer(encoder.hiddenSize),
                    "numAttentionHeads": .integer(encoder.numAttentionHeads),
                    "intermediateSize": .integer(encoder.intermediateSize),
                    "hiddenAct": .string(encoder.hiddenAct.rawValue),
                ])),
            Fact("positions", "\(encoder.maxTokens)", .integer(encoder.maxTokens)),
        ]
    }

    public func json(listsTensors: Bool) -> JSON {
        var object = JSONObject()
        for fact in facts { object.append(fact.title, fact.value) }
        object["tensorCount"] = .integer(tensors.count)
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
