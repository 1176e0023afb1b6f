public import Embeddings
import JSON
public import Tensors

/// Queries to records with what an index holds for them.
public struct SearchRecords {
    public enum Format: String, Sendable, CaseIterable {
        /// `{"index":0,"hits":[{"row":12,"score":0.83,"text":"..."}]}`
        case jsonl
        /// For people: the query, and a line for each hit.
        case table
    }

    private let index: VectorIndex
    public let settings: SearchSettings
    private let format: Format
    private let shown: (String) -> String

    /// - Parameter shown: what a table has in place of a text, whose characters may do something to a terminal.
    public init(
        _ index: VectorIndex, _ settings: SearchSettings, format: Format, shown: @escaping (String) -> String = { $0 }
    ) {
        self.index = index
        self.shown = shown
        self.settings = settings
        self.format = format
    }

    /// The bytes of the records of lines that `encoder` makes vectors of.
    public func render(_ items: [RecordStream.Item], by encoder: SentenceEncoder) -> [UInt8] {
        let usable = UsableItems(items)
        let hits = index.search(encoder.embed(usable.map { encoder.ids($0.text) }), settings)
        switch format {
        case .jsonl: return usable.records { place, writer in write(hits[place], to: &writer) }
        case .table:
            return zip(items, usable.places).flatMap { item, place in
                switch place {
                case .failure(let fault): Array("\(fault.description)\n\n".utf8)
                case .success(let place): table(usable.inputs[place].text, hits[place])
                }
            }
        }
    }

    /// The bytes of the records of vectors.
    ///
    /// - Parameter first: the number of the first of them.
    public func render(_ vectors: Tensor, first: Int) -> [UInt8] {
        var writer = JSONWriter()
        var bytes: [UInt8] = []
        for (place, hits) in index.search(vectors, settings).enumerated() {
            if format == .table {
                bytes += table("vector \(first + place)", hits)
                continue
            }
            writer.beginRecord(first + place, id: nil)
            write(hits, to: &writer)
            writer.endObject()
            writer.endLine()
        }
        return bytes + writer.bytes
    }

    private func write(_ hits: [RankedRow], to writer: inout JSONWriter) {
        writer.key("hits")
        writer.beginArray()
        for hit in hits {
            writer.beginObject()
            writer.key("row")
            writer.integer(hit.row)
            writer.key("score")
            writer.number(hit.score)
            do throws(SearchError) {
                if let entry = try index.entry(Int(hit.row)) {
                    if let id = entry.id {
                        writer.key("id")
                        writer.write(id)
                    }
                    writer.key("text")
                    writer.string(entry.text)
                }
            } catch {
                writer.key("error")
                writer.string(error.description)
            }
            writer.endObject()
        }
        writer.endArray()
    }

    private func table(_ query: String, _ hits: [RankedRow]) -> [UInt8] {
        var text = "\(shown(query))\n"
        for hit in hits {
            let entry = try? index.entry(Int(hit.row))
            text += "  \(fixed(Double(hit.score), 4))  \(shown(entry?.text ?? "row \(hit.row)"))\n"
        }
        return Array((text + "\n").utf8)
    }
}
