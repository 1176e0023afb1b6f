public import Checkpoints
public import Tensors

/// A table of vectors, looked up by index.
public final class Embedding {
    public let weight: Parameter  // [count, size]

    public struct Saved: Sendable {
        let indices: [Int32]
    }

    public init(_ scope: ParameterScope, count: Int, size: Int, standardDeviation: Float) throws(CheckpointError) {
        weight = try scope.parameter("weight", [count, size], .normal(standardDeviation: standardDeviation))
    }

    /// - Returns: the rows at `indices`, `[indices.count, size]`.
    public func forward(_ indices: [Int32]) -> (output: Tensor, saved: Saved) {
        (weight.value.gather(indices), Saved(indices: indices))
    }

    /// Adds to the gradient of `weight`, in the rows that were looked up.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        weight.accumulate(rows: SparseRows(shape: weight.shape, indices: saved.indices, values: gradient))
    }
}
