import Checkpoints
import Tensors

/// A layer of an encoder at work as one of a decoder: its attention sees no token that is still to come, and between its
/// halves stands the attention to a vector.
///
/// Source: Vaswani et al. 2017, "Attention Is All You Need", §3.1, figure 1.
final class DecoderLayer {
    private let shared: EncoderLayer
    let vectorAttention: VectorAttention

    struct Saved: Sendable {
        let attention: SelfAttention.Saved
        let attentionOutput: ResidualOutput.Saved
        let vectorAttention: VectorAttention.Saved
        let feedForward: FeedForward.Saved
        let output: ResidualOutput.Saved
    }

    /// - Parameter layer: a post-norm layer, whose parameters the decoder's layer has too.
    init(sharing layer: EncoderLayer, _ vectorAttention: VectorAttention) {
        precondition(layer.feedForwardNorm == nil, "a pre-norm layer")
        shared = layer
        self.vectorAttention = vectorAttention
    }

    /// - Parameters:
    ///   - hidden: `[tokens, hiddenSize]`
    ///   - vectors: `[sequences, vectorSize]`
    ///   - texts: of each token the index of its sequence.
    /// - Returns: `[tokens, hiddenSize]`
    func forward(
        _ hidden: Tensor, _ sequences: [Range<Int>], _ vectors: Tensor, _ texts: [Int32],
        training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let (context, attention) = shared.attention.forward(hidden, sequences, isCausal: true, training: random)
        let (attended, attentionOutput) = shared.attentionOutput.forward(context, residual: hidden, training: random)
        let (informed, vectorAttention) = vectorAttention.forward(attended, vectors, texts, training: random)
        let (inner, feedForward) = shared.feedForward.forward(informed, training: random)
        let (result, output) = shared.output.forward(inner, residual: informed, training: random)
        return (
            result,
            Saved(
                attention: attention, attentionOutput: attentionOutput, vectorAttention: vectorAttention,
                feedForward: feedForward, output: output)
        )
    }

    /// Adds to the gradients of the layer and of the attention to the vectors, and adds that of the vectors to `vectors`.
    ///
    /// - Returns: the gradient of `hidden`.
    func backward(_ gradient: Tensor, _ saved: Saved, addingTo vectors: inout Tensor) -> Tensor {
        var (inner, informed) = shared.output.backward(gradient, saved.output)
        shared.feedForward.backward(inner, saved.feedForward, addingTo: &informed)
        let attended = vectorAttention.backward(informed, saved.vectorAttention, addingTo: &vectors)
        let residual: Tensor
        (inner, residual) = shared.attentionOutput.backward(attended, saved.attentionOutput)
        var hidden = shared.attention.backward(inner, saved.attention)
        hidden += residual
        return hidden
    }
}
