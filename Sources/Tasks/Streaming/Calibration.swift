import Checkpoints
public import Embeddings
public import SystemPackage
import Tensors

extension ValueRanges {
    /// The ranges of the vectors of a file: of a NumPy array, or of texts, one a line, that `encoder` makes vectors of.
    ///
    /// - Parameter readsJSON: whether a line that begins with `{` is an object with `text`.
    public init(
        calibratedOn path: FilePath, _ encoder: SentenceEncoder, readsJSON: Bool = false
    ) throws(SearchError) {
        self.init(size: encoder.size)
        var count = 0
        if path.extension == "npy" {
            let file = try NPYFile(path)
            if file.columns != encoder.size { throw .size(path, found: file.columns, expected: encoder.size) }
            for start in stride(from: 0, to: file.rows, by: 4096) {
                include(try file.vectors(start..<min(file.rows, start + 4096)))
            }
            count = file.rows
        } else {
            do {
                let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
                defer { try? descriptor.close() }
                let reader = LineReader(descriptor)
                while case let lines = try reader.nextWindow(limit: RecordStream.windowLimit), !lines.isEmpty {
                    let texts = lines.compactMap { line in
                        try? InputText(line, readsJSON: readsJSON, acceptsPairs: false).text
                    }
                    include(encoder.embed(texts.map(encoder.ids)))
                    count += texts.count
                }
            } catch { throw .file(.unreadable(path, error as? Errno ?? .ioError)) }
        }
        if count < 2 { throw .tooFewVectors(path, found: count) }
    }
}
