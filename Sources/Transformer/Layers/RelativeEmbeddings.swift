public import Checkpoints
import Tensors

/// The vectors of distances that all layers of an encoder with disentangled attention share: a table, normalized where the
/// architecture says so. Each layer projects them on its own.
///
/// Source: He et al. 2021, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention", §3.1; the normalization as in the
/// released code's `norm_rel_ebd`.
public final class RelativeEmbeddings {
    public let weight: Parameter  // [2·span, hiddenSize]
    public let layerNorm: LayerNorm?
    let distances: DistanceRows
    private let dropout: Float

    public struct Saved: Sendable {
        let rows: [Int32]
        let layerNorm: LayerNorm.Saved?
        let mask: DropoutMask?
    }

    /// - Returns: `nil` where the architecture's attention has none.
    /// - Parameter scope: the encoder's place.
    public init?(_ scope: ParameterScope, _ architecture: EncoderArchitecture) throws(CheckpointError) {
        guard case .disentangled(let kind) = architecture.relativePositions else { return nil }
        let size = architecture.hiddenSize
        weight = try scope[architecture.names.relativeEmbeddings].parameter(
            "weight", [kind.distances.count, size], .normal(standardDeviation: architecture.initializerRange))
        layerNorm =
            kind.isNormalized
            ? try LayerNorm(scope[architecture.names.relativeNorm], size: size, architecture.normalization) : nil
        distances = kind.distances
        dropout = architecture.hiddenDropoutProb
    }

    /// - Parameter reach: one more than the largest distance.
    /// - Returns: the vectors of `distances.rows(reach:)`, `[rows, hiddenSize]`.
    func forward(reach: Int, training random: RandomSource?) -> (output: Tensor, saved: Saved) {
        let rows = distances.rows(reach: reach).map(Int32.init)
        let vectors = weight.value.gather(rows)
        let normalized = layerNorm?.forward(vectors)
        var output = normalized?.output ?? vectors
        let mask = DropoutMask(probability: dropout, random: random)
        output.apply(mask)
        return (output, Saved(rows: rows, layerNorm: normalized?.saved, mask: mask))
    }

    /// Adds to the gradients of the table and of its normalization.
    func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        gradient.apply(saved.mask)
        if let layerNorm, let rows = saved.layerNorm { gradient = layerNorm.backward(gradient, rows) }
        weight.accumulate { $0.scatterAdd(gradient, at: saved.rows) }
    }

    /// Those of all distances that are shorter than `reach`, as an inference plan takes them.
    func frozen(reach: Int) -> Tensor {
        let rows = distances.rows(reach: reach)
        let vectors = weight.stored.rows(rows.lowerBound..<rows.upperBound + 1).tensor
        return layerNorm?.forward(vectors).output ?? vectors
    }
}
