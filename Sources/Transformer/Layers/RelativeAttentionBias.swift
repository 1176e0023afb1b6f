public import Checkpoints
import Tensors

/// What attention adds to its scores by the distance of query and key, shared by the layers of an encoder.
///
/// Sources: Raffel et al. 2020, "T5", §2.1, for learned buckets; Press et al. 2022, "ALiBi", §3, for fixed slopes.
public final class RelativeAttentionBias {
    /// `[buckets, heads]`; `nil` where nothing is learned.
    public let weight: Parameter?
    private let heads: Int
    private let maxDistance: Int

    /// - Returns: `nil` where the architecture's attention has no bias.
    /// - Parameter scope: the encoder's place.
    public init?(_ scope: ParameterScope, _ architecture: EncoderArchitecture) throws(CheckpointError) {
        heads = architecture.numAttentionHeads
        switch architecture.relativePositions {
        case .none, .rotary, .disentangled: return nil
        case .alibi: (weight, maxDistance) = (nil, 0)
        case .buckets(let count, let distance):
            maxDistance = distance
            weight = try scope[architecture.names.relativeBias].parameter(
                "weight", [count, heads], .normal(standardDeviation: architecture.initializerRange))
        }
    }

    /// - Parameter reach: one more than the largest distance.
    func values(reach: Int) -> RelativeBias {
        let reach = max(1, reach)
        guard let weight else { return RelativeBias(alibi: heads, reach: reach) }
        return RelativeBias(buckets: weight.value, maxDistance: maxDistance, reach: reach)
    }

    /// - Parameter gradient: of the values, `[heads, 2·reach - 1]`.
    func accumulate(_ gradient: Tensor) {
        guard let weight else { return }
        weight.accumulate {
            $0 += RelativeBias.bucketGradient(gradient, buckets: weight.shape.rows, maxDistance: maxDistance)
        }
    }
}
