public import Embeddings
import JSON
import Synchronization
public import SystemPackage
import Tensors
import Tokenizers

/// Lines in, one record a line out, in order: the contract of `classify`, `embed` and `tokenize`.
///
/// Memory is bounded by a window of lines. A line that cannot be used becomes a record with an `error`, and the run
/// goes on.
public struct RecordStream {
    /// Lines of a window once a stream runs; the first windows are smaller, so that the first records come soon.
    public static let windowLimit = 4096
    /// Lines of a window where each has so many results: of about a million in all, which bounds what they take.
    public static func windowLimit(resultsPerLine: Int) -> Int {
        let limit = min(windowLimit, (1 << 20) / max(1, resultsPerLine))
        // Queries are compared 64 at a time.
        return limit >= 64 ? limit / 64 * 64 : max(1, limit)
    }
    /// Bytes of a window: a few seconds of work where the lines are long.
    public static let windowByteLimit = 256 << 10

    public struct Summary: Equatable, Sendable {
        public var records = 0
        /// Lines that were read, those included that were passed over.
        public var lines = 0
        /// Records with an `error`.
        public var failures = 0
        /// Whether the reader of the output went away, or the user asked to stop, before the input ended.
        public var endedEarly = false
    }

    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// `nil` is standard input.
        case input(FilePath?, Errno)
        case output(Errno)
        /// Word vectors that no record can be made of.
        case wordVectors(WordVectorsError)

        public var description: String {
            switch self {
            case .input(let path, let error):
                "\(path?.string ?? "standard input"): cannot be read: \(error). Expected a file with a text a line."
            case .output(.noSpace): "the output cannot be written: the disk is full. Free some space and run again."
            case .output(let error): "the output cannot be written: \(error)."
            case .wordVectors(let error): "\(error)"
            }
        }
    }

    public typealias Item = (index: Int, input: Result<InputText, LineFault>)

    private let reader: LineReader
    private let path: FilePath?
    private let output: FileDescriptor
    private let readsJSON: Bool
    private let acceptsPairs: Bool
    private let readsPairs: Bool
    private let fault: (InputText, _ line: Int) -> LineFault?
    /// Set from outside, for example by a signal: the stream ends after the record that is being written.
    private let shouldStop: () -> Bool

    /// - Parameters:
    ///   - path: of the input, for messages; `nil` is standard input.
    ///   - fault: why a line that could be read cannot be used.
    public init(
        input: FileDescriptor, named path: FilePath? = nil, output: FileDescriptor, readsJSON: Bool = false,
        acceptsPairs: Bool = true,
        readsPairs: Bool = false,
        fault: @escaping (InputText, _ line: Int) -> LineFault? = { _, _ in nil }, interruption: FileDescriptor? = nil,
        shouldStop: @escaping () -> Bool = { false }
    ) {
        reader = LineReader(input, interruption: interruption)
        self.path = path
        self.output = output
        self.readsJSON = readsJSON
        self.acceptsPairs = acceptsPairs
        self.readsPairs = readsPairs
        self.fault = fault
        self.shouldStop = shouldStop
    }

    /// - Parameters:
    ///   - done: so many lines are passed over.
    ///   - resultsPerLine: where many belong to a line, windows are smaller.
    ///   - render: the bytes of a window's records; called once a window.
    public func run(
        skipping done: Int = 0, resultsPerLine: Int = 1, _ render: ([Item]) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Summary {
        var summary = Summary()
        let most = Self.windowLimit(resultsPerLine: resultsPerLine)
        var limit = min(64, most)
        while let lines = try nextLines(limit: limit) {
            if lines.isEmpty { return summary }
            summary.lines += lines.count
            if summary.lines <= done { continue }
            limit = min(most, 2 * limit)
            let items = lines.dropFirst(max(0, done - lines[0].index)).map(item)
            guard try write(render(items), items, &summary) else { return summary }
        }
        summary.endedEarly = true
        return summary
    }

    /// The same for records that depend on one another: all lines are read first.
    public func runAtOnce(_ render: ([Item]) throws(Failure) -> [UInt8]) throws(Failure) -> Summary {
        var summary = Summary()
        var all: [Item] = []
        while let lines = try nextLines(limit: Self.windowLimit) {
            summary.lines += lines.count
            all += lines.map(item)
            guard lines.isEmpty else { continue }
            _ = try write(render(all), all, &summary)
            return summary
        }
        summary.endedEarly = true
        return summary
    }

    /// The next lines, none at the end; `nil` where the user asked to stop.
    private func nextLines(limit: Int) throws(Failure) -> [LineReader.Line]? {
        while true {
            do throws(Errno) {
                return try reader.nextWindow(limit: limit, byteLimit: Self.windowByteLimit)
            } catch {
                guard error == .interrupted else { throw .input(path, error) }
                if shouldStop() { return nil }
            }
        }
    }

    private func item(_ line: LineReader.Line) -> Item {
        (
            line.index,
            Result { () throws(LineFault) in
                let input = try InputText(
                    line, readsJSON: readsJSON, acceptsPairs: acceptsPairs, readsPairs: readsPairs)
                if let fault = fault(input, line.index + 1) { throw fault }
                return input
            }
        )
    }

    /// - Returns: whether there is still a reader, and a user who wants more.
    private func write(_ bytes: [UInt8], _ items: [Item], _ summary: inout Summary) throws(Failure) -> Bool {
        if shouldStop() {
            summary.endedEarly = true
            return false
        }
        do { try output.writeAll(bytes) } catch {
            let error = error as? Errno ?? .ioError
            guard error == .brokenPipe else { throw .output(error) }
            summary.endedEarly = true
            return false
        }
        summary.records += items.count
        summary.failures += items.count { if case .failure = $0.input { true } else { false } }
        return true
    }
}

extension JSONWriter {
    /// Begins a record with what every record has.
    mutating func beginRecord(_ index: Int, id: JSON?) {
        beginObject()
        key("index")
        integer(index)
        if let id {
            key("id")
            write(id)
        }
    }

    /// Says so where a text was cut.
    mutating func truncation(of encoding: Encoding) {
        if encoding.overflowing.isEmpty { return }
        key("truncated")
        bool(true)
    }

    /// A whole record about a line that cannot be used.
    mutating func errorRecord(_ index: Int, _ fault: LineFault) {
        beginRecord(index, id: nil)
        key("error")
        string(fault.description)
        endObject()
        endLine()
    }
}

/// The usable lines of a window, computed together, and for every line its place among them.
struct UsableItems {
    private let items: [RecordStream.Item]
    let inputs: [InputText]
    /// For each item of the window: its place in `inputs`, or why it has none.
    let places: [Result<Int, LineFault>]

    init(_ items: [RecordStream.Item]) {
        self.items = items
        var inputs: [InputText] = []
        places = items.map { item in
            item.input.map { input in
                inputs.append(input)
                return inputs.count - 1
            }
        }
        self.inputs = inputs
    }

    /// One JSON record a line: `body` writes the members that an input's place brings, and a line that cannot be used gets
    /// the reason. Lines are written on all threads.
    func records(_ body: (_ place: Int, inout JSONWriter) -> Void) -> [UInt8] {
        bytes { range in
            var writer = JSONWriter()
            for row in range {
                switch places[row] {
                case .failure(let fault): writer.errorRecord(items[row].index, fault)
                case .success(let place):
                    writer.beginRecord(items[row].index, id: inputs[place].id)
                    body(place, &writer)
                    writer.endObject()
                    writer.endLine()
                }
            }
            return writer.bytes
        }
    }

    /// The bytes that `render` makes of all items, a range of them at a time, on all threads.
    func bytes(_ render: (Range<Int>) -> [UInt8]) -> [UInt8] {
        let count = places.count
        let parts = parallelMap((count + Self.perBlock - 1) / Self.perBlock) { block in
            render(block * Self.perBlock..<min(count, (block + 1) * Self.perBlock))
        }
        guard parts.count != 1 else { return parts[0] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { bytes += part }
        return bytes
    }

    private static let perBlock = 64

    /// The results of `body` for all inputs, on all threads.
    func map<Output>(_ body: (InputText) -> Output) -> [Output] { Self.map(inputs, body) }

    /// The results of `body` for all of some inputs, on all threads.
    static func map<Output>(_ inputs: [InputText], _ body: (InputText) -> Output) -> [Output] {
        let blocks = parallelMap((inputs.count + perBlock - 1) / perBlock) { block in
            inputs[block * perBlock..<min(inputs.count, (block + 1) * perBlock)].map(body)
        }
        return blocks.flatMap { $0 }
    }
}
