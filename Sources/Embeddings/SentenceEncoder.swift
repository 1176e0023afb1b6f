public import Checkpoints
import JSON
import SystemPackage
public import Tensors
public import Tokenizers
public import Transformer

/// Texts to vectors: tokenizer, a transformer with pooling or static embeddings, and further modules, as a
/// sentence-transformers or Model2Vec directory says.
public final class SentenceEncoder {
    /// The text that stands before every text: by default the one that the model says.
    public private(set) var prompt: String
    /// The number of tokens, special tokens included, after which a text is cut; `nil` for never.
    public var maxLength: Int?

    private let directory: ModelDirectory
    private let text: any TextEncoder
    private var modules: [VectorModule]
    private let settings: SentenceSettings

    /// - Parameters:
    ///   - precision: of the encoder's products, which is available.
    ///   - pooling: in place of the model's; the vectors of several stand side by side.
    ///   - adapters: to be put on the encoder.
    /// - Throws: `ModelError.staticEmbeddings` where there is nothing to choose.
    public init(
        _ directory: ModelDirectory, precision: Precision = .f32, pooling: [PoolingMode]? = nil,
        adapters: AdapterHubSetup? = nil
    ) throws(ModelError) {
        self.directory = directory
        let own = try AdapterHubSetup.open(directory)
        let adapter = own == nil ? try OpenedAdapter(directory) : nil
        let home = own?.base ?? adapter?.base ?? directory
        var (modules, settings) = try loading { () throws(CheckpointError) in
            (try SentenceModules(home), try SentenceSettings(home))
        }
        if adapter != nil { try modules.read(transformerFrom: directory) }
        text = try modules.textEncoder(precision: precision, pooling: pooling, adapters: adapters ?? own?.adapters)
        self.modules = modules.vectorModules
        self.settings = settings
        prompt = settings.defaultPromptName.flatMap(settings.prompt(named:)) ?? ""
        maxLength = text.maxLength
        if let table = text as? StaticEmbeddings, table.normalizes, !normalizes { normalizes = true }
        try checkSizes(directory.path.appending("modules.json"))
    }

    /// Whether a directory says that what it holds makes vectors of texts: it has modules, or static embeddings.
    public static func isPublished(in directory: ModelDirectory) throws(ModelError) -> Bool {
        if directory.exists("modules.json") { return true }
        return try loading { () throws(CheckpointError) in try Model2VecSettings.describe(directory) }
    }

    public var tokenizer: Tokenizer { text.tokenizer }
    /// The length of a vector.
    public var size: Int { modules.reduce(text.size) { $1.outputSize($0) } }
    /// The longest text that the model can take, in tokens; `nil` where there is no end.
    public var tokenLimit: Int? { text.tokenLimit }
    /// The operations of the matrix products with weights for one token, further modules left out.
    var operationsPerToken: Int { text.operationsPerToken }

    /// Whether vectors are scaled to length 1 at the end.
    public var normalizes: Bool {
        get { modules.last?.isNormalization ?? false }
        set {
            if newValue == normalizes { return }
            if newValue { modules.append(.normalize) } else { modules.removeLast() }
        }
    }

    /// Cuts vectors after this many values, before they are scaled to length 1.
    ///
    /// Source: Kusupati et al. 2022, "Matryoshka Representation Learning", §3.
    /// - Precondition: the vectors are as long.
    public func truncate(to size: Int) {
        precondition((1...self.size).contains(size), "\(size) of \(self.size) values")
        modules.insert(.truncate(size), at: normalizes ? modules.count - 1 : modules.count)
    }

    /// Puts a prompt before every text.
    public func usePrompt(_ text: String) { prompt = text }

    /// Puts one of the model's prompts before every text.
    public func usePrompt(named name: String) throws(ModelError) {
        guard let text = settings.prompt(named: name) else {
            throw .unknownPrompt(
                directory.path.appending(SentenceSettings.fileName), name: name, known: settings.prompts.map(\.name))
        }
        prompt = text
    }

    /// The ids of a text as `embed` takes them, those of the prompt included.
    public func ids(_ text: String) -> [Int32] {
        self.text.ids(prompt.isEmpty ? text : prompt + text, maxLength: maxLength)
    }

    /// The same, and whether the text was cut.
    public func tokens(_ text: String) -> SentenceTokens {
        let prompted = prompt.isEmpty ? text : prompt + text
        return SentenceTokens(limit: maxLength ?? tokenLimit) { self.text.ids(prompted, maxLength: $0) }
    }

    /// The vectors of tokenized texts, `[ids.count, size]`, in their order.
    ///
    /// A text's vector does not depend on the other texts, nor on the number of threads.
    public func embed(_ ids: [[Int32]]) -> Tensor {
        modules.reduce(text.embed(ids, prompt: prompt, maxLength: maxLength)) { $1.apply($0) }
    }

    /// Each module must take what the one before it makes.
    private func checkSizes(_ file: FilePath) throws(ModelError) {
        var size = text.size
        for module in modules {
            switch module {
            case .dense(let dense) where dense.inputSize != size:
                throw .checkpoint(
                    .invalidValue(
                        file, key: "Dense", found: "\(dense.inputSize) columns",
                        expected: "\(size), as the module before has"))
            case .layerNorm(let norm) where norm.weight.shape.count != size:
                throw .checkpoint(
                    .invalidValue(
                        file, key: "LayerNorm", found: "\(norm.weight.shape.count) columns",
                        expected: "\(size), as the module before has"))
            default: size = module.outputSize(size)
            }
        }
    }
}

extension SentenceModules {
    fileprivate func textEncoder(
        precision: Precision, pooling: [PoolingMode]?, adapters: AdapterHubSetup?
    ) throws(ModelError) -> any TextEncoder {
        switch source {
        case .transformer(let directory):
            var chosen = self.pooling
            if let pooling { chosen.modes = pooling }
            return try PooledTransformer(directory, chosen, precision: precision, adapters: adapters)
        case .staticEmbeddings(let directory):
            if precision != .f32 { throw .staticEmbeddings(directory.path, option: "precision \(precision.rawValue)") }
            if let pooling {
                throw .staticEmbeddings(
                    directory.path, option: "pooling \(pooling.map(\.rawValue).joined(separator: ","))")
            }
            return try StaticEmbeddings(directory)
        }
    }

    /// The precisions in which this machine runs the model.
    public var precisions: [Precision] {
        switch source {
        case .transformer: Precision.available
        case .staticEmbeddings: [.f32]
        }
    }
}
