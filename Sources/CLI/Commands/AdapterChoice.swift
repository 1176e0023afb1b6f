public import ArgumentParser
import Checkpoints
import Embeddings
import FoundationEssentials
import SystemPackage
import Tasks
import Tensors
public import Transformer

/// Adapters of AdapterHub's library to be put on a model, and how they work together.
struct AdapterChoice: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A directory with an adapter of AdapterHub's library that is put on the model; repeat it for several. Of \
            PEFT's adapters the directory is named as the model.
            """, valueName: "dir"),
        completion: .directory)
    var adapter: [String] = []

    @Option(
        help: """
            How several adapters work together: one behind the other (stack, the default), by the weighted mean of \
            their results (average), or by a fusion (fuse), which is in one of the directories.
            """)
    var adapterMode: AdapterHubSetup.Mode?

    @Option(
        help: ArgumentHelp(
            "With --adapter-mode average: the weight of each adapter (default: all the same).", valueName: "w,..."))
    var adapterWeights: String?

    func validate() throws {
        if let adapterMode, adapterMode != .stack, adapter.count < 2 {
            throw ValidationError("--adapter-mode \(adapterMode.rawValue) needs several adapters: repeat --adapter.")
        }
        if adapterMode == .fuse, let twice = repeatedDirectory(adapter) {
            throw ValidationError("--adapter names \(twice) twice; an adapter is not fused with itself.")
        }
        guard let adapterWeights else { return }
        if adapterMode != .average { throw ValidationError("--adapter-weights is for --adapter-mode average.") }
        guard let weights, weights.count == adapter.count, weights.allSatisfy({ $0 >= 0 }),
            weights.contains(where: { $0 > 0 })
        else {
            throw ValidationError(
                "--adapter-weights is \(adapterWeights); expected a number of at least 0 for each of "
                    + "\(adapter.count) adapters, as in 1,2, and not all 0.")
        }
    }

    /// Classifiers that each have one of the adapters, by the names of the directories; where `model` is an adapter's
    /// directory, also that.
    func switched(_ model: ModelArgument) throws -> SwitchedClassifiers {
        guard case .transformer(let found) = try model.find() else {
            throw ValidationError(
                "--switch-adapters is for transformers; \(model.model) is a classifier on word vectors.")
        }
        let base = try SwitchedClassifiers.base(of: found)
        var adapters: [(name: String, directory: ModelDirectory)] = []
        if base != nil { adapters.append((Self.name(model.model), found)) }
        for path in adapter { adapters.append((Self.name(path), try ModelStore().resolve(path))) }
        let names = adapters.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError(
                "--adapter: two adapters are called \(twice), and lines name them by their directories. "
                    + "Rename one of them."
            )
        }
        return try SwitchedClassifiers(adapters, on: base ?? found)
    }

    /// By which lines call an adapter.
    private static func name(_ path: String) -> String { absolutePath(path).lastComponent?.string ?? path }

    private var weights: [Float]? {
        guard let parts = adapterWeights?.split(separator: ",", omittingEmptySubsequences: false) else { return nil }
        let numbers = parts.compactMap { Float($0) }.filter(\.isFinite)
        return numbers.count == parts.count ? numbers : nil
    }

    /// The base and the adapters on it: those of the options, or where `model` holds adapters itself, those.
    func open(_ model: ModelDirectory) throws -> (base: ModelDirectory, adapters: AdapterHubSetup?) {
        let own = try AdapterHubSetup.open(model)
        if adapter.isEmpty { return (own?.base ?? model, own?.adapters) }
        var directories = own.map { [$0.adapters.directory] } ?? []
        for path in adapter { directories.append(try ModelStore().resolve(path)) }
        return (own?.base ?? model, try AdapterHubSetup(directories, mode: adapterMode ?? .stack, weights: weights))
    }

    /// A classifier, with the adapters on it, as it is used.
    ///
    /// - Parameters:
    ///   - maxLength: cuts texts after so many tokens; `nil` as the model was trained.
    ///   - pairs: whether it is given pairs of texts.
    func classifier(
        _ model: FoundModel, _ precision: PrecisionOption, maxLength: Int?, pairs: Bool
    ) throws -> any TextClassifier {
        let directory: ModelDirectory
        switch model {
        case .wordVectors(let path):
            try refuse([
                "--adapter": !adapter.isEmpty, "--max-length": maxLength != nil,
                "--precision": precision.precision != .f32, "What has pairs of texts": pairs,
            ]) { "\($0) is for transformers; \(path) is a classifier on word vectors." }
            return try WordVectorClassifier(path)
        case .transformer(let found): directory = found
        }
        let (base, adapters) = try open(directory)
        let precision = try precision.resolve()
        let classifier =
            if let adapters { try SequenceClassifier(adapters, on: base, precision: precision) } else {
                try SequenceClassifier(base, precision: precision)
            }
        try classifier.applyRecord()
        try classifier.limit(to: maxLength, pairs: pairs)
        return classifier
    }
}

extension AdapterHubSetup.Mode: ExpressibleByArgument {}

/// A directory that is there twice among some, perhaps in another spelling.
func repeatedDirectory(_ paths: [String]) -> String? {
    var seen: Set<FilePath> = []
    return paths.first { !seen.insert(absolutePath($0)).inserted }
}

/// A path from the root on, without `.` and `..`.
func absolutePath(_ path: String) -> FilePath {
    FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(path)).lexicallyNormalized()
}
