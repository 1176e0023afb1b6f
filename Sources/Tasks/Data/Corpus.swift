import JSON
public import SystemPackage
import Tensors

/// A file of labelled texts, or a folder of such, that is read from its beginning as often as needed, window by window.
public struct Corpus: Sendable {
    /// Where it comes from, for messages.
    public let file: FilePath
    public let layout: CorpusLayout
    /// The texts of a folder for each class.
    private let textFiles: [ClassFolders.TextFile]

    /// Finds out how the data is written.
    ///
    /// - Parameter path: a file, gzipped or not, or a folder, of which the part for `purpose` is taken.
    public init(
        _ path: FilePath, columns: LabelledExamples.Columns = .init(), for purpose: CorpusFolder.Purpose = .training
    ) throws(CorpusError) {
        let found = try CorpusFolder.resolve(path, for: purpose)
        file = found.path
        textFiles = found.textFiles ?? []
        let format: CorpusFormat
        if found.textFiles != nil {
            format = .classFolders
        } else {
            if let given = columns.format {
                format = given
            } else {
                format = try FormatDetection.format(of: found.path, delimiter: columns.delimiter)
            }
        }
        layout = try LayoutDetection(file: found.path, format: format, columns: columns).layout()
    }

    /// Where an example stands, in words: its line, or the file that is this one text.
    func place(ofExample index: Int, _ line: Int) -> String {
        textFiles.indices.contains(index) ? "\(textFiles[index].path)" : "line \(line)"
    }

    /// A window is as large as keeps all threads at work; what is read does not grow with the file.
    private static let windowRecords = 4096
    private static let windowBytes = 4 << 20

    /// Goes through all examples: those of a window are transformed on all threads while the next window is read.
    ///
    /// - Parameters:
    ///   - transform: of an example, on any thread.
    ///   - body: is given the results of each window, in order.
    public func forEachWindow<Result>(
        _ transform: (LabelledExamples.Example) -> Result, _ body: ([Result]) throws(CorpusError) -> Void
    ) throws(CorpusError) {
        let source = try source()
        var window = try source()
        while !window.isEmpty {
            var next: Swift.Result<[RawRecord], CorpusError> = .success([])
            let records = window
            let results = parallelMap(records.count + 1) { index -> Swift.Result<Result, CorpusError>? in
                if index == 0 {
                    next = readingResult(source)
                    return nil
                }
                do throws(CorpusError) {
                    return .success(transform(try layout.example(records[index - 1], file)))
                } catch { return .failure(error) }
            }
            var values: [Result] = []
            values.reserveCapacity(records.count)
            for result in results.dropFirst() { values.append(try result!.get()) }
            try body(values)
            window = try next.get()
        }
    }

    private func readingResult(
        _ source: () throws(CorpusError) -> [RawRecord]
    ) -> Swift.Result<[RawRecord], CorpusError> {
        do throws(CorpusError) { return .success(try source()) } catch { return .failure(error) }
    }

    /// What gives the next window of records.
    private func source() throws(CorpusError) -> () throws(CorpusError) -> [RawRecord] {
        if layout.format == .classFolders {
            var place = 0
            return { () throws(CorpusError) in
                var records: [RawRecord] = []
                var bytes = 0
                while place < textFiles.count, records.count < Self.windowRecords, bytes < Self.windowBytes {
                    records.append(try textFiles[place].record())
                    bytes += records[records.count - 1].bytes.count
                    place += 1
                }
                return records
            }
        }
        let records = try CorpusRecords(file, layout.format.division)
        if layout.hasHeader { _ = try records.next() }
        return { () throws(CorpusError) in
            try records.window(limit: Self.windowRecords, byteLimit: Self.windowBytes)
        }
    }
}
