public import Checkpoints
import FoundationEssentials
import JSON
public import SystemPackage

/// An event file of TensorBoard with the scalars of a run: `train/loss`, `train/learning_rate`, `train/gradient_norm`,
/// `eval/…`.
///
/// A log that cannot be written does not stop the training: it ends, and `failure` says why.
///
/// Source: tensorflow/core/util/event.proto and summary.proto; tensorflow/core/lib/io/record_writer.h.
public final class TensorBoardLog {
    /// Whether a file's name is one that such a log has.
    static func isOwn(_ name: String) -> Bool { name.hasPrefix("events.out.tfevents.") && name.contains(".graft.") }

    private let file: FilePath
    private let descriptor: FileDescriptor
    private let time: () -> Double
    public private(set) var failure: CheckpointError?

    /// Begins a file of its own in a directory, which is made where it is missing.
    ///
    /// - Parameters:
    ///   - resumingAt: the step that the run goes on from; TensorBoard then forgets what older files say after it.
    ///   - time: seconds since 1970; `nil` asks the machine.
    public init(
        directory: FilePath, resumingAt step: Int? = nil, time: (() -> Double)? = nil
    ) throws(CheckpointError) {
        let time = time ?? { Date().timeIntervalSince1970 }
        self.time = time
        do throws(Errno) { try makeDirectory(directory) } catch { throw .unwritable(directory, error) }
        var number = 0
        var path: FilePath
        repeat {
            path = directory.appending("events.out.tfevents.\(Int(time())).graft.\(number)")
            number += 1
        } while FileManager.default.fileExists(atPath: path.string)
        file = path
        do {
            descriptor = try .open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .append, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch { throw .unwritable(path, error as? Errno ?? .ioError) }
        write(step: 0) { $0.string(3, "brain.Event:2") }
        if let step { takeBack(after: step) }
    }

    /// A session that starts at a step takes back what was said of it and of later ones.
    private func takeBack(after step: Int) { write(step: step + 1) { $0.message(7) { $0.integer(1, 1) } } }

    deinit { try? descriptor.close() }

    public func append(_ entry: TrainingHistory.Entry) {
        switch entry {
        case .step(let step):
            var scalars = [("train/loss", step.loss)]
            if let rate = step.learningRate { scalars.append(("train/learning_rate", rate)) }
            if let norm = step.gradientNorm { scalars.append(("train/gradient_norm", norm)) }
            if let speed = step.samplesPerSecond { scalars.append(("train/samples_per_second", speed)) }
            append(scalars + [("train/epoch", Double(step.epoch))], step: step.step)
        case .evaluation(let evaluation):
            let numbers = evaluation.dev.members.compactMap { member in
                member.key == "examples" ? nil : member.value.number.map { ("eval/\(Self.snakeCase(member.key))", $0) }
            }
            append([("train/epoch_loss", evaluation.trainingLoss)] + numbers, step: evaluation.step)
        case .event(TrainingHistory.rollback, let step, _): takeBack(after: step)
        case .event: break
        }
    }

    private func append(_ scalars: [(tag: String, value: Double)], step: Int) {
        write(step: step) { event in
            event.message(5) { summary in
                for scalar in scalars {
                    summary.message(1) { value in
                        value.string(1, scalar.tag)
                        value.float(2, Float(scalar.value))
                    }
                }
            }
        }
    }

    private func write(step: Int, _ content: (inout ProtobufWriter) -> Void) {
        guard failure == nil else { return }
        var event = ProtobufWriter()
        event.double(1, time())
        if step != 0 { event.integer(2, step) }
        content(&event)
        do { _ = try descriptor.writeAll(Self.record(event.bytes)) } catch {
            failure = .unwritable(file, error as? Errno ?? .ioError)
        }
    }

    /// Length, its checksum, the content, its checksum.
    static func record(_ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        appendLittleEndian(UInt64(content.count), to: &bytes)
        appendLittleEndian(CRC32C.masked(bytes), to: &bytes)
        bytes += content
        appendLittleEndian(CRC32C.masked(content), to: &bytes)
        return bytes
    }

    /// `macroF1` as `macro_f1`.
    private static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : "\($1)" }
    }
}
