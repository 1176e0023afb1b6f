import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tasks

/// The trials of a search: a line each for the terminal and for `search.jsonl`, and a table at the end.
final class SearchLog {
    private let descriptor: FileDescriptor
    private var trials: [HyperparameterSearch.Trial] = []

    var count: Int { trials.count }

    init(in directory: FilePath) throws(CheckpointError) {
        let file = directory.appending(RunLogs.searchName)
        do {
            descriptor = try .open(
                file, .writeOnly, options: [.create, .truncate, .append, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch { throw .unwritable(file, error as? Errno ?? .ioError) }
    }

    /// Removes what an earlier search left.
    static func remove(from directory: FilePath) {
        try? FileManager.default.removeItem(atPath: directory.appending(RunLogs.searchName).string)
    }

    deinit { try? descriptor.close() }

    func append(_ trial: HyperparameterSearch.Trial) throws {
        trials.append(trial)
        let line = trial.json(number: trials.count).serialized() + [UInt8(ascii: "\n")]
        try descriptor.writeAll(line)
        let share = trial.share == 1 ? "" : "\(fixed(100 * trial.share, 0)) % of the examples, "
        StandardError.note(
            "trial \(trials.count): \(share)\(Self.text(trial.configuration)): dev \(MetricsText(trial.dev).line), "
                + "\(clockTime(trial.seconds))")
    }

    /// The ten best, those on more examples first.
    var table: String {
        var table = Table([
            "trial", "examples", "learning rate", "epochs", "batch", "weight decay", "layer decay", "dev", "time",
        ])
        let order = trials.indices.sorted { a, b in
            trials[a].share != trials[b].share
                ? trials[a].share > trials[b].share : trials[a].dev.isBetter(than: trials[b].dev)
        }
        for index in order.prefix(10) {
            let (trial, configuration) = (trials[index], trials[index].configuration)
            table.add([
                "\(index + 1)", "\(fixed(100 * trial.share, 0)) %", "\(configuration.learningRate)",
                "\(configuration.epochs)", "\(configuration.batchSize)", "\(configuration.weightDecay)",
                configuration.optimization.layerDecay.map { "\($0)" } ?? "–",
                MetricsText(trial.dev).number, clockTime(trial.seconds),
            ])
        }
        return table.text
    }

    static func text(_ configuration: FineTuning.Configuration) -> String {
        "learning rate \(configuration.learningRate), \(configuration.epochs.counted("epoch")), batch "
            + "\(configuration.batchSize), weight decay \(configuration.weightDecay)"
            + (configuration.optimization.layerDecay.map { ", layer decay \($0)" } ?? "")
    }
}
