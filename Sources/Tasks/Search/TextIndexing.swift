import Checkpoints
public import Embeddings
import JSON
public import SystemPackage
import Tensors

/// Lines of texts, and vectors, to an index.
public struct TextIndexing {
    /// Why no index was made.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        case index(SearchError)
        case unreadable(FilePath?, Errno)
        case line(FilePath?, LineFault)
        /// A vector of a file that cannot be stored or compared; counted from 0.
        case vector(FilePath, row: Int, String)
        /// Labels that are not as many as texts.
        case labels(FilePath, found: Int, expected: Int)

        public var description: String {
            switch self {
            case .index(let error): "\(error)"
            case .unreadable(let path, let error): "\(Self.name(path)): cannot be read: \(error)."
            case .line(let path, let fault):
                "\(Self.name(path)): \(fault.description). Correct or remove it; the index is as it was."
            case .vector(let path, let row, let what):
                "\(path): vector \(row) (from 0) \(what). Leave it out; the index is as it was."
            case .labels(let path, let found, let expected):
                "\(path): \(found.counted("label")); the index has \(expected.counted("text")), and each needs one."
            }
        }

        private static func name(_ path: FilePath?) -> String { path?.string ?? "standard input" }
    }

    private let writer: IndexWriter
    private let readsJSON: Bool
    private let shouldStop: () -> Bool
    /// Texts of a window.
    private static let windowLimit = 4096

    /// - Parameters:
    ///   - readsJSON: whether a line that begins with `{` is an object with `text` and `id`.
    ///   - shouldStop: set from outside, for example by a signal.
    public init(_ writer: IndexWriter, readsJSON: Bool, shouldStop: @escaping () -> Bool = { false }) {
        self.writer = writer
        self.readsJSON = readsJSON
        self.shouldStop = shouldStop
    }

    /// Adds the texts of a file, or of standard input, one a line.
    ///
    /// - Parameter progress: is told how many texts were added.
    public func add(
        texts path: FilePath?, by encoder: SentenceEncoder, progress: (Int) -> Void = { _ in }
    ) throws(Failure) {
        var count = 0
        try forEachWindow(of: path) { entries throws(Failure) in
            let ids = parallelMap(entries.count) { encoder.ids(entries[$0].text) }
            try add(encoder.embed(ids), entries)
            count += entries.count
            progress(count)
        }
    }

    /// Adds vectors, and the texts in the same order where the index has some.
    public func add(vectors: NPYFile, at path: FilePath, texts: FilePath?) throws(Failure) {
        var row = 0
        let before = writer.count
        let size = writer.description.size
        if vectors.columns != size { throw .index(.size(path, found: vectors.columns, expected: size)) }
        func add(_ count: Int, _ entries: [IndexEntry]) throws(Failure) {
            do throws(Failure) {
                let rows: Tensor
                do throws(SearchError) { rows = try vectors.vectors(row..<row + count) } catch { throw .index(error) }
                try self.add(rows, entries)
            } catch {
                guard case .index(.vector(let place, let what)) = error else { throw error }
                throw .vector(path, row: place - before, what)
            }
        }
        if writer.description.hasTexts {
            try forEachWindow(of: texts) { entries throws(Failure) in
                if row + entries.count <= vectors.rows { try add(entries.count, entries) }
                row += entries.count
            }
            if row != vectors.rows { throw .index(.texts(path, vectors: vectors.rows, texts: row)) }
        } else {
            while row < vectors.rows {
                let count = min(Self.windowLimit, vectors.rows - row)
                try add(count, [])
                row += count
            }
        }
    }

    private func add(_ vectors: Tensor, _ entries: [IndexEntry]) throws(Failure) {
        do throws(SearchError) { try writer.add(vectors, entries) } catch { throw .index(error) }
        if shouldStop() { throw .index(.interrupted) }
    }

    private func forEachWindow(
        of path: FilePath?, _ body: ([IndexEntry]) throws(Failure) -> Void
    ) throws(Failure) {
        let descriptor: FileDescriptor
        do {
            descriptor =
                try path.map { try FileDescriptor.open($0, .readOnly, options: .closeOnExec) } ?? .standardInput
        } catch { throw .unreadable(path, error as? Errno ?? .ioError) }
        defer { if path != nil { try? descriptor.close() } }
        let reader = LineReader(descriptor)
        while true {
            let lines: [LineReader.Line]
            do throws(Errno) { lines = try reader.nextWindow(limit: Self.windowLimit) } catch {
                throw shouldStop() ? .index(.interrupted) : .unreadable(path, error)
            }
            if lines.isEmpty { return }
            var entries: [IndexEntry] = []
            for line in lines {
                do throws(LineFault) {
                    let input = try InputText(line, readsJSON: readsJSON, acceptsPairs: false)
                    entries.append(IndexEntry(text: input.text, id: input.id))
                } catch { throw .line(path, error) }
            }
            try body(entries)
        }
    }
}
