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
        /// Little-endian float32, or bytes, one vector behind the other.
        case bin
    }

    /// How vectors are written.
    public struct Layout: Equatable, Sendable {
        public let format: Format
        /// Numbers of a vector as it is written.
        public let columns: Int
        public let element: NPYHeader.Element

        /// - Parameter size: values of a vector before it is quantized.
        public init(_ format: Format, size: Int, _ quantization: VectorQuantization? = nil) {
            self.format = format
            columns = quantization?.byteCount(size) ?? size
            element = quantization.map { $0.isSigned ? .int8 : .uint8 } ?? .float32
        }

        /// Bytes of a vector in `npy` and `bin`.
        public var rowSize: Int { columns * element.size }
    }

    /// A vector for each text, `[texts, size]`, and of how many tokens or words each is made.
    private typealias Embedding =
        (_ texts: [InputText]) throws(WordVectorsError) -> (vectors: Tensor, tokens: [Int])

    private let size: Int
    private let countName: String
    private let embed: Embedding
    private let quantizer: VectorQuantizer?
    public let layout: Layout

    /// - Parameter quantizer: what makes bytes of vectors; `nil` for f32.
    public init(_ encoder: SentenceEncoder, format: Format, quantizer: VectorQuantizer? = nil) {
        self.quantizer = quantizer
        size = encoder.size
        layout = Layout(format, size: encoder.size, quantizer?.quantization)
        countName = "tokens"
        embed = { inputs in
            let ids = UsableItems.map(inputs) { encoder.ids($0.text) }
            return (encoder.embed(ids), ids.map(\.count))
        }
    }

    /// Vectors of texts made of their words'.
    public init(_ sentences: WordVectorSentences, format: Format) {
        quantizer = nil
        size = sentences.vectors.dimension
        layout = Layout(format, size: size)
        countName = "words"
        embed = { inputs throws(WordVectorsError) in
            let (vectors, words) = try sentences.embed(inputs.map(\.text))
            return (vectors, words)
        }
    }

    /// The bytes of the records. In the formats that have no place for an error, a line that cannot be used becomes a
    /// vector of NaN, or of zeros where numbers are bytes.
    ///
    /// - Throws: `wordVectors` for a word whose vector cannot be used.
    public func render(_ items: [RecordStream.Item]) throws(RecordStream.Failure) -> [UInt8] {
        let usable = UsableItems(items)
        let (vectors, tokens): (Tensor, [Int])
        do throws(WordVectorsError) { (vectors, tokens) = try embed(usable.inputs) } catch {
            throw .wordVectors(error)
        }
        switch layout.format {
        case .jsonl:
            return usable.records { place, writer in
                writer.key(countName)
                writer.integer(tokens[place])
                writer.key("embedding")
                writer.beginArray()
                if let quantizer {
                    for byte in quantizer.bytes(vectors.row(place)) { writer.integer(integer(byte)) }
                } else {
                    for value in vectors.row(place) { writer.number(value) }
                }
                writer.endArray()
            }
        case .tsv: return usable.bytes { rows(usable.places[$0], of: vectors, text: true) }
        case .npy, .bin: return usable.bytes { rows(usable.places[$0], of: vectors, text: false) }
        }
    }

    private func rows(_ places: ArraySlice<Result<Int, LineFault>>, of vectors: Tensor, text: Bool) -> [UInt8] {
        let nan = [Float](repeating: .nan, count: size)[...]
        var output: [UInt8] = []
        for place in places {
            let vector = (try? place.get()).map { vectors.row($0) }
            if let quantizer {
                let bytes = vector.map(quantizer.bytes) ?? [UInt8](repeating: 0, count: layout.columns)
                if text { output.append(row: bytes.map { "\(integer($0))" }) } else { output += bytes }
            } else if text {
                output.append(row: (vector ?? nan).map { "\($0)" })
            } else {
                unsafe (vector ?? nan).withUnsafeBytes { unsafe output.append(contentsOf: $0) }
            }
        }
        return output
    }

    private func integer(_ byte: UInt8) -> Int { layout.element == .int8 ? Int(Int8(bitPattern: byte)) : Int(byte) }
}

extension [UInt8] {
    fileprivate mutating func append(row: [String]) {
        append(contentsOf: row.joined(separator: "\t").utf8)
        append(UInt8(ascii: "\n"))
    }
}
