public import Checkpoints
import FoundationEssentials
import JSON
public import SystemPackage
import Tensors
import Tokenizers
import Transformer

/// A table with a vector for every token, made of an encoder: each token encoded alone between the special tokens, the
/// vectors reduced to their principal components and weighted as if the tokens were sorted by frequency.
///
/// A text's vector is then the mean of its tokens' vectors, which takes no transformer.
///
/// Source: Tulkens and van Dongen 2024, "Model2Vec"; the weights are those of Arora, Liang and Ma 2017, "A Simple but
/// Tough-to-Beat Baseline for Sentence Embeddings", equation 3, with frequencies by Zipf's law.
public struct StaticDistillation {
    public struct Options: Equatable, Sendable {
        /// The columns of the vectors; at most the encoder's.
        public var dimensions = 256
        /// The frequency at which a token counts half; 0 weights no tokens.
        public var sif = 1e-4

        public init() {}
    }

    private let directory: ModelDirectory
    private let tokenizer: Tokenizer
    /// Whether texts become lowercase before the tokenizer sees them.
    private let lowercasesFirst: Bool
    private let options: Options
    /// `[vocabulary, dimensions]`
    private let table: Tensor
    /// The tokens with a vector.
    public let tokenCount: Int
    /// The share of the variance that the columns keep.
    public let keptVariance: Double

    public var dimensions: Int { table.columns }

    public init(_ directory: ModelDirectory, _ options: Options = Options()) throws(ModelError) {
        if let adapter = try OpenedAdapter(directory) {
            throw .isAdapter(directory.path, kind: adapter.configuration.adapter.kind, verb: "distill")
        }
        let modules = try loading { () throws(CheckpointError) in try SentenceModules(directory) }
        if modules.isStatic { throw .staticEmbeddings(directory.path, option: "distillation") }
        let checkpoint = try OpenedCheckpoint(modules.directory)
        let pretrained = try checkpoint.encoder()
        self.directory = modules.directory
        self.options = options
        tokenizer = pretrained.tokenizer
        lowercasesFirst = pretrained.lowercasesFirst
        if lowercasesFirst, !modules.directory.exists(Self.tokenizerName) {
            throw .checkpoint(
                .invalidValue(
                    modules.directory.path.appending(PretrainedEncoder.settingsName), key: "do_lower_case",
                    found: "true",
                    expected:
                        "false where there is no \(Self.tokenizerName), which alone could say so of a static model"))
        }
        let ids = Self.ids(tokenizer)
        let vectors = try Self.vectors(of: ids, pretrained)
        tokenCount = ids.count
        let components = ExactComponents(
            vectors, count: min(options.dimensions, vectors.columns, ids.count - 1))
        var coordinates = components.coordinates(vectors)
        keptVariance = components.keptVariance(of: vectors)
        if options.sif > 0 {
            coordinates = coordinates.scaledEachRow(by: Tensor([ids.count], Self.weights(ids.count, options.sif)))
        }
        var table = Tensor.zeros([pretrained.encoder.architecture.vocabSize, coordinates.columns])
        table.scatterAdd(coordinates, at: ids)
        self.table = table
    }

    /// The tokens in the order of the vocabulary, without those that are there for others' use, and of the special ones
    /// with those of padding and of unknown words alone: as Model2Vec has it.
    private static func ids(_ tokenizer: Tokenizer) -> [Int32] {
        let special = Set(tokenizer.addedTokens.filter(\.special).map(\.id))
            .subtracting([tokenizer.padID, tokenizer.unkID].compactMap { $0 })
        return (0..<Int32(tokenizer.vocabularySize)).filter { id in
            guard !special.contains(id), let token = tokenizer.token(of: id) else { return false }
            return token.wholeMatch(of: /\[unused\d+\]/) == nil
        }
    }

    /// Of every token between the special tokens the mean of the hidden states, theirs included.
    private static func vectors(of ids: [Int32], _ pretrained: PretrainedEncoder) throws(ModelError) -> Tensor {
        let plan = try Embeddings.plan(pretrained.encoder, .f32)
        let frame = pretrained.tokenizer.encode("a")
        let own = frame.specialTokensMask.firstIndex(of: 0) ?? frame.ids.count
        let end = (frame.specialTokensMask.lastIndex(of: 0) ?? own - 1) + 1
        let (before, behind) = (Array(frame.ids[..<own]), Array(frame.ids[end...]))
        let sequences = ids.map { before + [$0] + behind }
        let rows = LengthSortedBatches(sequences.map(\.count)).map { batch in
            let tokens = TokenBatch(batch.map { sequences[$0] })
            return PoolingMode.mean.pool(plan.encode(tokens), plan.rows(of: tokens))
        }
        return Tensor([ids.count, pretrained.encoder.architecture.hiddenSize], rows.flatMap { $0 })
    }

    /// `a / (a + p)` with `p` proportional to one by the rank, from 2.
    static func weights(_ count: Int, _ sif: Double) -> [Float] {
        let inverse = (0..<count).map { 1 / Double($0 + 2) }
        let sum = inverse.reduce(0, +)
        return inverse.map { Float(sif / (sif + $0 / sum)) }
    }

    // MARK: Writing

    /// Writes a directory as Model2Vec does, which sentence-transformers loads too.
    public func write(to path: FilePath, name: String) throws(CheckpointError) {
        let output = try AtomicDirectory(path)
        let target = output.temporary
        let configuration: JSONObject = [
            "model_type": .string("model2vec"), "architectures": .array([.string("StaticModel")]),
            "tokenizer_name": .string(name), "apply_pca": .integer(dimensions),
            "sif_coefficient": options.sif > 0 ? .number(options.sif) : .null, "hidden_dim": .integer(dimensions),
            "seq_length": .integer(1_000_000), "normalize": .bool(true), "pooling": .string("mean"),
        ]
        try JSONFile(target, object: configuration).write(to: target.appending("config.json"))
        try SafeTensors.write([("embeddings", table)], to: target.appending("model.safetensors"))
        let modules: [JSON] = [("StaticEmbedding", ""), ("Normalize", "1_Normalize")].enumerated().map {
            index, module in
            .object([
                "idx": .integer(index), "name": .string("\(index)"), "path": .string(module.1),
                "type": .string("sentence_transformers.models.\(module.0)"),
            ])
        }
        try AtomicFile.write(JSON.array(modules).serialized(), to: target.appending("modules.json"))
        _ = try AtomicDirectory.folder("1_Normalize", in: target)
        try writeTokenizer(to: target)
        try output.commit()
    }

    private static let tokenizerName = "tokenizer.json"

    /// The model's own files; in `tokenizer.json` neither cutting nor padding, which Model2Vec would do as it says, and the
    /// lowercasing that sentence-transformers' settings ask of an encoder.
    private func writeTokenizer(to target: FilePath) throws(CheckpointError) {
        try directory.copy(tokenizer.files, to: target)
        let path = target.appending(Self.tokenizerName)
        guard FileManager.default.fileExists(atPath: path.string) else { return }
        var file = try JSONFile(path, purpose: "the tokenizer")
        file.object["truncation"] = .null
        file.object["padding"] = .null
        if lowercasesFirst {
            let others = [file.object["normalizer"]].compactMap { $0 == .null ? nil : $0 }
            file.object["normalizer"] = .object([
                "type": .string("Sequence"), "normalizers": .array([.object(["type": .string("Lowercase")])] + others),
            ])
        }
        try file.write(to: path)
    }
}

extension ExactComponents {
    /// The share of the rows' variance that lies in the directions.
    func keptVariance(of rows: Tensor) -> Double {
        let (count, columns) = (rows.rows, rows.columns)
        var (sums, squares) = ([Double](repeating: 0, count: columns), 0.0)
        for row in 0..<count {
            for (i, value) in rows.row(row).enumerated() {
                sums[i] += Double(value)
                squares += Double(value) * Double(value)
            }
        }
        let total = (squares - sums.reduce(0) { $0 + $1 * $1 } / Double(count)) / Double(count - 1)
        return total > 0 ? min(1, variances.reduce(0, +) / total) : 1
    }
}
