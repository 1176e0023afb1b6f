public import Checkpoints
import JSON
public import SystemPackage

/// `metrics.jsonl`: a line for every step, evaluation and event of a run, written as they come.
///
/// A log that cannot be written does not stop the training: it ends, and `failure` says why.
public final class MetricsLog {
    public static let fileName = "metrics.jsonl"

    private let file: FilePath
    private let descriptor: FileDescriptor
    private let start: Double
    /// All lines, those of the run that is continued included.
    public private(set) var history: TrainingHistory
    public private(set) var failure: CheckpointError?

    /// Opens a log.
    ///
    /// - Parameter resumingAt: `nil` begins anew. Otherwise the lines up to this step stay: what a run wrote after the
    ///   checkpoint that it goes on from, it writes again.
    public init(_ file: FilePath, resumingAt step: Int? = nil) throws(CheckpointError) {
        self.file = file
        var kept: [[UInt8]] = []
        var history = TrainingHistory()
        if let step {
            for (line, entry) in Self.lines(file) where entry.step <= step {
                kept.append(line)
                history.append(entry)
            }
        }
        self.history = history
        start = monotonicSeconds()
        // A last line that a killed run left half written is among what goes.
        try AtomicFile.write(kept.flatMap { $0 + [0x0A] }, to: file)
        do { descriptor = try .open(file, .writeOnly, options: [.append, .closeOnExec]) } catch {
            throw .unwritable(file, error as? Errno ?? .ioError)
        }
    }

    deinit { try? descriptor.close() }

    public func append(_ entry: TrainingHistory.Entry) {
        history.append(entry)
        guard failure == nil else { return }
        do {
            _ = try descriptor.writeAll(entry.json(seconds: monotonicSeconds() - start).serialized() + [0x0A])
        } catch { failure = .unwritable(file, error as? Errno ?? .ioError) }
    }

    /// The lines of a log that can be read, with what they say.
    private static func lines(_ file: FilePath) -> [(line: [UInt8], entry: TrainingHistory.Entry)] {
        guard let map = try? MappedFile(file) else { return [] }
        return map.bytes(0..<map.count).split(separator: 0x0A).compactMap { line in
            guard let json = try? JSON(parsing: Array(line)), let entry = TrainingHistory.Entry(json) else {
                return nil
            }
            return (Array(line), entry)
        }
    }
}
