public import Checkpoints
import JSON
import SystemPackage
import Tensors
import Transformer

/// What sentence-transformers' `modules.json` says: what makes a vector of a text, and what happens to it then.
///
/// Without that file: the mean of a transformer's hidden states, or of static embeddings, and nothing further.
public struct SentenceModules {
    /// The first module, with the directory of its files.
    enum Source {
        case transformer(ModelDirectory)
        case staticEmbeddings(ModelDirectory)
    }

    private(set) var source: Source
    private(set) var pooling = SentencePooling()
    private(set) var vectorModules: [VectorModule] = []

    public init(_ directory: ModelDirectory) throws(CheckpointError) {
        source = .transformer(directory)
        guard directory.exists("modules.json") else {
            if try Model2VecSettings.describe(directory) { source = .staticEmbeddings(directory) }
            return
        }
        let path = directory.path.appending("modules.json")
        for (index, module) in try JSONFile.array(path, purpose: "the modules of a sentence encoder").enumerated() {
            guard let type = module["type"]?.string, let folder = module["path"]?.string else {
                throw .invalidValue(path, key: "[\(index)]", found: nil, expected: "an object with type and path")
            }
            // Releases differ in the package's path, not in the class's name.
            let name = type.split(separator: ".").last.map(String.init) ?? ""
            guard let inside = directory.path.lexicallyResolving(FilePath(folder)) else {
                throw .invalidValue(
                    path, key: "[\(index)].path", found: "\"\(folder)\"", expected: "a place in the model's directory")
            }
            let place = ModelDirectory(inside)
            switch (index, name) {
            case (0, "Transformer"): source = .transformer(place)
            case (0, "StaticEmbedding"): source = .staticEmbeddings(place)
            case (1..., _): try add(name, type, place, in: path, index)
            default: throw Self.unsupported(path, index, type, expected: "Transformer or StaticEmbedding")
            }
        }
    }

    /// Takes the transformer from an adapter's directory, whose base this is.
    mutating func read(transformerFrom directory: ModelDirectory) throws(ModelError) {
        guard case .transformer = source else { throw .staticEmbeddings(self.directory.path, option: "adapters") }
        source = .transformer(directory)
    }

    /// Where the files of the first module are: configuration, weights and tokenizer.
    public var directory: ModelDirectory {
        switch source {
        case .transformer(let directory), .staticEmbeddings(let directory): directory
        }
    }

    /// Whether a directory says that a sentence's vector is the mean of a transformer's hidden states.
    package static func publishesMean(_ directory: ModelDirectory) throws(CheckpointError) -> Bool {
        guard directory.exists("modules.json") else { return false }
        let modules = try SentenceModules(directory)
        return modules.isTransformer && modules.pooling.modes == [.mean]
    }

    /// Whether vectors come from a table and not from a transformer.
    public var isStatic: Bool { if case .staticEmbeddings = source { true } else { false } }

    /// For people: how vectors are made, step by step.
    public var summary: [String] {
        let first = isStatic ? "mean of a static vector for each token" : pooling.summary
        return [first] + vectorModules.map(\.summary)
    }

    private mutating func add(
        _ name: String, _ type: String, _ directory: ModelDirectory, in path: FilePath, _ index: Int
    ) throws(CheckpointError) {
        switch name {
        case "Pooling" where isTransformer && vectorModules.isEmpty: pooling = try SentencePooling(directory)
        case "Normalize":
            try Self.checkName(directory)
            vectorModules.append(.normalize)
        case "Dense": vectorModules.append(.dense(try DenseModule(directory, name: moduleName(index))))
        case "LayerNorm": vectorModules.append(.layerNorm(try Self.layerNorm(directory, name: moduleName(index))))
        // Not in inference.
        case "Dropout": break
        default:
            throw Self.unsupported(
                path, index, type,
                expected: "Dense, Normalize, LayerNorm or Dropout\(isTransformer ? ", or Pooling before them" : "")")
        }
    }

    private var isTransformer: Bool { !isStatic }

    private static func unsupported(
        _ path: FilePath, _ index: Int, _ type: String, expected: String
    ) -> CheckpointError {
        .invalidValue(path, key: "[\(index)].type", found: "\"\(type)\"", expected: expected)
    }

    /// Refuses what works on the vectors of tokens.
    private static func checkName(_ directory: ModelDirectory) throws(CheckpointError) {
        guard directory.exists("config.json") else { return }
        let file = try JSONFile(directory.configuration, purpose: "the settings of a normalization")
        for key in ["module_input_name", "module_output_name"] {
            if let name = file.object[key], name != .null, name != .string("sentence_embedding") {
                throw file.invalid(key, expected: "\"sentence_embedding\"")
            }
        }
    }

    /// What stands in front of the names of a module's parameters.
    private func moduleName(_ index: Int) -> String { "modules.\(index)" }

    private static func layerNorm(_ directory: ModelDirectory, name: String) throws(CheckpointError) -> LayerNorm {
        let file = try JSONFile(directory.configuration, purpose: "the size of a normalization")
        let source = try DenseModule.source(directory, name: name)
        let norm = try LayerNorm(
            source.root[name]["norm"], size: try file.size("dimension"), NormalizationKind(epsilon: 1e-5))
        try source.checkAllUsed { _ in false }
        return norm
    }
}

extension SentencePooling {
    /// - Parameter directory: the module's own, with `config.json`.
    init(_ directory: ModelDirectory) throws(CheckpointError) {
        let file = try JSONFile(directory.configuration, purpose: "the pooling of a sentence encoder")
        self.init(try Self.modes(file), includesPrompt: file.object["include_prompt"]?.bool ?? true)
    }

    private static func modes(_ file: JSONFile) throws(CheckpointError) -> [PoolingMode] {
        let key = "pooling_mode"
        guard let value = file.object[key] else {
            // The older form.
            let modes = PoolingMode.olderOrder.filter { file.object[$0.configurationKey]?.bool == true }
            return modes.isEmpty ? [.mean] : modes
        }
        let names = value.array ?? [value]
        let modes = names.compactMap { $0.string.flatMap(PoolingMode.init(rawValue:)) }
        guard modes.count == names.count, !modes.isEmpty else {
            throw file.invalid(
                key, expected: "one or several of " + PoolingMode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return modes
    }
}
