import Checkpoints
import JSON
import Synchronization
import SystemPackage
import Tensors
import Tokenizers

/// A table with a vector for every token; a text's vector is their mean. The table is read in place, row by row.
///
/// There are two kinds, which differ in what they count. In those of Model2Vec (a tensor `embeddings`) unknown tokens are
/// left out, and texts are cut after 512 tokens unless `config.json` says otherwise; `mapping` leads from a token to its row,
/// and `weights` holds a factor for every token. In those of sentence-transformers (a tensor `embedding.weight`) all tokens
/// count, and texts are cut only where `tokenizer.json` asks for it.
///
/// Vectors are computed and written in f32 where the file holds halves.
///
/// Sources: Tulkens and van Dongen 2024, "Model2Vec", and the released code's `StaticModel.encode`; sentence-transformers'
/// `StaticEmbedding`.
final class StaticEmbeddings: TextEncoder {
    let tokenizer: Tokenizer
    /// What Model2Vec's configuration says; modules may normalize too.
    let normalizes: Bool
    let maxLength: Int?
    private let table: StoredRows
    private let mapping: [Int32]?
    private let weights: [Float]?
    private let isModel2Vec: Bool
    /// Of the tokens' texts, in code points; computed when a text is long enough to need it.
    private let medianTokenLength = Mutex<Int?>(nil)

    static let defaultMaxLength = 512

    init(_ directory: ModelDirectory) throws(ModelError) {
        do { tokenizer = try Tokenizer(directory: directory.path) } catch { throw .tokenizer(error) }
        let tokens = tokenizer.vocabularySize
        let truncation = tokenizer.storedTruncation
        (table, mapping, weights, isModel2Vec, normalizes, maxLength) = try loading { () throws(CheckpointError) in
            let file = try directory.openWeights()
            guard let entry = file["embeddings"] else {
                guard let entry = file["embedding.weight"] else {
                    throw .missingTensor(file.path, name: "embeddings")
                }
                let table = try file.rows(entry)
                try file.check(entry, rows: table.rows, tokens: tokens)
                return (table, nil, nil, false, false, truncation?.maxLength)
            }
            let table = try file.rows(entry)
            let mapping = try file.mapping(tokens: tokens, rows: table.rows)
            if mapping == nil { try file.check(entry, rows: table.rows, tokens: tokens) }
            let weights = try file["weights"].map { entry throws(CheckpointError) in
                try file.check(entry, rows: entry.shape.count, tokens: tokens)
                return try file.tensor(entry).values
            }
            let settings = try Model2VecSettings(directory)
            return (table, mapping, weights, true, settings.normalizes, settings.maxLength)
        }
    }

    var size: Int { table.columns }
    var tokenLimit: Int? { nil }
    var operationsPerToken: Int { 0 }

    func ids(_ text: String, maxLength: Int?) -> [Int32] {
        let truncation = maxLength.map { length in
            Truncation(maxLength: length, side: isModel2Vec ? .right : tokenizer.storedTruncation?.side ?? .right)
        }
        var text = text
        if isModel2Vec, let maxLength, text.utf8.count > maxLength {
            let limit = maxLength * characters
            if text.utf8.count > limit { text = String(text.unicodeScalars.prefix(limit)) }
        }
        let ids = tokenizer.ids(text, addSpecialTokens: false, truncation: truncation)
        guard isModel2Vec, let unknown = tokenizer.unkID, ids.contains(unknown) else { return ids }
        return ids.filter { $0 != unknown }
    }

    func embed(_ ids: [[Int32]], prompt: String, maxLength: Int?) -> Tensor {
        let perBlock = 256
        let size = size
        let blocks = parallelMap((ids.count + perBlock - 1) / perBlock) { block in
            let texts = ids[block * perBlock..<min(ids.count, (block + 1) * perBlock)]
            var values: [Float] = []
            for text in texts {
                var sum = [Float](repeating: 0, count: size)
                let rows = mapping.map { mapping in text.map { mapping[Int($0)] } } ?? text
                table.add(rows, factors: weights.map { weights in text.map { weights[Int($0)] } }, to: &sum)
                // Without tokens: zeros.
                let count = Float(max(text.count, 1))
                values += sum.map { $0 / count }
            }
            return values
        }
        return Tensor([ids.count, size], blocks.flatMap { $0 })
    }

    /// How many code points a token stands for when a text is cut before it is looked at.
    private var characters: Int {
        medianTokenLength.withLock { known in
            if let known { return known }
            let lengths = (0..<Int32(tokenizer.vocabularySize)).compactMap {
                tokenizer.token(of: $0)?.unicodeScalars.count
            }
            .sorted()
            let median = lengths.isEmpty ? 1 : (lengths[(lengths.count - 1) / 2] + lengths[lengths.count / 2]) / 2
            known = median
            return median
        }
    }
}

/// What `config.json` says of a table of Model2Vec.
struct Model2VecSettings {
    var normalizes = false
    var maxLength: Int? = StaticEmbeddings.defaultMaxLength

    init(_ directory: ModelDirectory) throws(CheckpointError) {
        guard directory.exists("config.json") else { return }
        let file = try JSONFile(directory.configuration, purpose: "the settings of static embeddings")
        normalizes = file.object["normalize"]?.bool ?? false
        guard let length = file.object["max_length"] else { return }
        maxLength = length == .null ? nil : try file.size("max_length")
    }

    /// Whether a directory without `modules.json` holds static embeddings.
    static func describe(_ directory: ModelDirectory) throws(CheckpointError) -> Bool {
        guard directory.exists("config.json") else { return false }
        let file = try directory.openConfiguration()
        if let type = file.object["model_type"]?.string { return type == "model2vec" }
        return try directory.openWeights()["embeddings"] != nil
    }
}

extension TensorArchive {
    fileprivate func check(_ entry: TensorEntry, rows: Int, tokens: Int) throws(CheckpointError) {
        guard rows >= tokens else {
            throw .invalidValue(
                path, key: entry.name, found: "for \(rows) tokens",
                expected: "one for each of the tokenizer's \(tokens)")
        }
    }

    /// The row of every token.
    fileprivate func mapping(tokens: Int, rows: Int) throws(CheckpointError) -> [Int32]? {
        guard let entry = self["mapping"] else { return nil }
        try check(entry, rows: entry.shape.count, tokens: tokens)
        let mapping = try integers(entry)
        if let row = mapping.first(where: { !(0..<rows).contains($0) }) {
            throw .invalidValue(path, key: "mapping", found: "\(row)", expected: "rows below \(rows)")
        }
        return mapping.map(Int32.init)
    }
}
