public import Embeddings
import JSON
import Tensors

/// Input lines to records with a vector.
public struct EmbeddingRecords {
    public enum Format: String, Sendable, CaseIterable {
        /// `{"index":0,"tokens":9,"embedding":[...]}`
        case jsonl
        /// One NumPy array, `[N, size]`.
        case npy
        /// Numbers with tabs between them.
        case tsv
        /// Little-endian float32, one vector behind the other.
        case bin
    }

    /// A vector for each text, `[texts, size]`, and of how many tokens or words each is made.
    private typealias Embedding = (_ texts: [InputText]) -> (vectors: Tensor, tokens: [Int])

    private let size: Int
    private let format: Format
    private let countName: String
    private let embed: Embedding

    public init(_ encoder: SentenceEncoder, format: Format) {
        size = encoder.size
        self.format = format
        countName = "tokens"
        embed = { inputs in
            let ids = UsableItems.map(inputs) { encoder.ids($0.text) }
            return (encoder.embed(ids), ids.map(\.count))
        }
    }

    /// Vectors of texts made of their words'.
    public init(_ sentences: WordVectorSentences, format: Format) {
        size = sentences.vectors.dimension
        self.format = format
        countName = "words"
        embed = { inputs in
            let (vectors, words) = sentences.embed(inputs.map(\.text))
            return (vectors, words)
        }
    }

    /// The bytes of the records. In the formats that have no place for an error, a line that cannot be used becomes a
    /// vector of NaN.
    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let (vectors, tokens) = embed(usable.inputs)
        let nan = [Float](repeating: .nan, count: size)[...]
        var writer = JSONWriter()
        var bytes: [UInt8] = []
        for (item, place) in zip(items, usable.places) {
            let vector = (try? place.get()).map { vectors.row($0) } ?? nan
            switch (format, place) {
            case (.jsonl, .failure(let fault)): writer.errorRecord(item.index, fault)
            case (.jsonl, .success(let place)):
                writer.beginRecord(item.index, id: usable.inputs[place].id)
                writer.key(countName)
                writer.integer(tokens[place])
                writer.key("embedding")
                writer.beginArray()
                for value in vector { writer.number(value) }
                writer.endArray()
                writer.endObject()
                writer.endLine()
            case (.tsv, _):
                bytes.append(contentsOf: vector.map { "\($0)" }.joined(separator: "\t").utf8)
                bytes.append(UInt8(ascii: "\n"))
            case (.npy, _), (.bin, _): unsafe vector.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            }
        }
        return format == .jsonl ? writer.bytes : bytes
    }
}
