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

    private let encoder: SentenceEncoder
    private let format: Format

    public init(_ encoder: SentenceEncoder, format: Format) {
        self.encoder = encoder
        self.format = format
    }

    /// The bytes of the records. In the formats that have no place for an error, a line that cannot be used becomes a
    /// vector of NaN.
    public func render(_ items: [RecordStream.Item]) -> [UInt8] {
        let usable = UsableItems(items)
        let ids = usable.map { encoder.ids($0.text) }
        let vectors = encoder.embed(ids)
        let nan = [Float](repeating: .nan, count: encoder.size)[...]
        var writer = JSONWriter()
        var bytes: [UInt8] = []
        for (item, place) in zip(items, usable.places) {
            let vector = (try? place.get()).map { vectors.row($0) } ?? nan
            switch (format, place) {
            case (.jsonl, .failure(let fault)): writer.errorRecord(item.index, fault)
            case (.jsonl, .success(let place)):
                writer.beginRecord(item.index, id: usable.inputs[place].id)
                writer.key("tokens")
                writer.integer(ids[place].count)
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
