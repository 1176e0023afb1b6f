public import Tensors

/// Puts a random part of every matrix back to where it started, for one step at a time: dropout towards the pretrained
/// model.
///
/// Source: Lee, Cho and Kang 2020, "Mixout: Effective Regularization to Finetune Large-scale Pretrained Language Models",
/// §3.
public final class Mixout {
    public let probability: Float
    private let parameters: [Parameter]
    private let start: [Tensor]
    /// Of the step that is going on: the values that learn, and what was put back.
    private var mixed: [(value: Tensor, mask: DropoutMask)] = []

    /// - Parameter parameters: matrices at their pretrained values, of which copies are kept.
    public init(_ parameters: [Parameter], probability: Float) {
        self.probability = probability
        self.parameters = parameters
        start = parameters.map(\.value)
    }

    /// Before the forward pass: mixes the matrices.
    public func mix(_ random: RandomSource) {
        for (parameter, start) in zip(parameters, start) {
            guard let mask = DropoutMask(probability: probability, random: random) else { return }
            mixed.append((parameter.value, mask))
            parameter.update { value in
                // start + dropout(value - start)
                var difference = start
                difference.scale(by: -1)
                difference += value
                difference.apply(mask)
                difference += start
                value = difference
            }
        }
    }

    /// After the backward pass: the matrices are again what they were, and their gradients those of what learns.
    public func separate() {
        for (parameter, (value, mask)) in zip(parameters, mixed) {
            parameter.update { $0 = value }
            if parameter.gradient != nil { parameter.accumulate { $0.apply(mask) } }
        }
        mixed = []
    }
}
