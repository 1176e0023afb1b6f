import Tensors

/// How fast a parameter learns, and how much it decays.
public struct ParameterGroup: Equatable, Sendable {
    /// Multiplies the learning rate of every step.
    public var rateFactor: Double
    public var weightDecay: Float

    /// - Parameter weightDecay: of a parameter that is not spared.
    public init(_ parameter: Parameter, rateFactor: Double = 1, weightDecay: Float = 0.01) {
        self.rateFactor = rateFactor
        self.weightDecay = Self.isSparedByWeightDecay(parameter) ? 0 : weightDecay
    }

    /// Whether weight decay spares the parameter: biases, those of attention too, and normalizations, as Devlin et al. 2019
    /// trained BERT.
    public static func isSparedByWeightDecay(_ parameter: Parameter) -> Bool {
        parameter.shape.dimensions.count == 1 || parameter.name.contains("bias")
    }
}
