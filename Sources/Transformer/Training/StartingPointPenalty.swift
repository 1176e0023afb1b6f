import Tensors

/// `½·α·‖w - w₀‖²` of pretrained parameters, and `½·β·‖w‖²` of new ones: weight decay towards where training started.
///
/// Source: Li, Grandvalet and Davoine 2018, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks",
/// equation 3 (L2-SP).
public final class StartingPointPenalty {
    private let strength: Double
    private let strengthOfNew: Double
    private let parameters: [Parameter]
    /// `nil` of new parameters.
    private let start: [Tensor?]

    /// - Parameters:
    ///   - parameters: those that learn, at their starting values, of which copies are kept.
    ///   - isNew: of parameters that were not pretrained.
    public init(
        _ parameters: [Parameter], strength: Double, strengthOfNew: Double = 0.01, isNew: (Parameter) -> Bool
    ) {
        self.parameters = parameters
        self.strength = strength
        self.strengthOfNew = strengthOfNew
        start = parameters.map { isNew($0) ? nil : $0.value }
    }

    /// Adds to the gradients of the parameters that learn.
    ///
    /// - Returns: the penalty.
    public func addGradients() -> Double {
        var penalty = 0.0
        for (parameter, start) in zip(parameters, start) where parameter.isTrainable {
            let strength = start == nil ? strengthOfNew : strength
            var difference = parameter.value
            if let start {
                difference.scale(by: -1)
                difference += start
                difference.scale(by: -1)
            }
            penalty += 0.5 * strength * difference.sumOfSquares
            difference.scale(by: Float(strength))
            parameter.accumulate { $0 += difference }
        }
        return penalty
    }
}
