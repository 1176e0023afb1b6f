public import Checkpoints
public import Embeddings
import JSON
public import SystemPackage
import Tensors
import Transformer

/// Adapters folded into the weights of their base: with one, what it computes; with several, the base and a weighted sum of
/// what each adds to it, `W + Σ wᵢ·(Wᵢ - W)`.
///
/// Source: Hu et al. 2022, "LoRA", §4.1; sums of what was added: Ilharco et al. 2023, "Editing Models with Task Arithmetic",
/// §2.
public final class AdapterMerge {
    public struct Result: Equatable, Sendable {
        /// Of each adapter, the largest difference of a logit that the written model gives from the adapter's own; of
        /// encoders without a head, of a hidden state.
        public let differences: [Float]
        /// The token sequences that were compared.
        public let sequences: Int
        public let hasHead: Bool
    }

    private let adapters: [MergedAdapter]
    private let weights: [Float]

    /// - Parameter weights: of each adapter; `nil` is the same for all, with the sum 1.
    /// - Throws: `ModelError.mergedAdapters` for adapters that do not go together.
    public init(_ directories: [ModelDirectory], weights: [Double]? = nil) throws(ModelError) {
        let share = 1 / Double(max(1, directories.count))
        self.weights = (weights ?? directories.map { _ in share }).map { Float($0) }
        precondition(
            self.weights.count == directories.count, "\(self.weights.count) weights, \(directories.count) adapters")
        var adapters: [MergedAdapter] = []
        for directory in directories {
            let adapter = try MergedAdapter(directory)
            if let first = adapters.first { try first.check(adapter) }
            adapters.append(adapter)
        }
        self.adapters = adapters
    }

    /// Writes the model as a directory of its own.
    ///
    /// - Parameters:
    ///   - texts: to compare on; without any, a fixed set of made-up token sequences is taken.
    ///   - isCancelled: asked now and then; where it says so, nothing is kept.
    /// - Throws: `CheckpointError.cancelled`; what reading and writing throw.
    public func write(
        to path: FilePath, comparingOn texts: [String] = [], isCancelled: () -> Bool = { false }
    ) throws(ModelError) -> Result {
        guard let first = adapters.first else { preconditionFailure("no adapters") }
        let batches = first.batches(texts)
        var own: [Tensor] = []
        func check() throws(ModelError) { if isCancelled() { throw .checkpoint(.cancelled(path)) } }
        for adapter in adapters { own.append(try adapter.output(batches, check)) }
        try first.take(mergedValues(check))
        let merged = try first.output(batches, check)
        try first.write(to: path, isCancelled: isCancelled)
        return Result(
            differences: own.map { $0.largestDifference(from: merged) },
            sequences: batches.reduce(0) { $0 + $1.sequences.count },
            hasHead: first.hasHead)
    }

    private func mergedValues(_ check: () throws(ModelError) -> Void) throws(ModelError) -> [String: Tensor] {
        var sums: [String: Tensor] = [:]
        let total = weights.reduce(0, +)
        for (adapter, weight) in zip(adapters, weights) {
            for change in try adapter.changes() {
                try check()
                // What the base does not have, such as a new head, is averaged.
                var part = change.value
                part.scale(by: change.base == nil ? weight / total : weight)
                if let base = change.base {
                    var start = base
                    start.scale(by: sums[change.name] == nil ? 1 - weight : -weight)
                    part += start
                }
                sums[change.name] = sums[change.name].map { $0 + part } ?? part
            }
        }
        return sums
    }
}
