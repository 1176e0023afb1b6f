/// The nonlinear functions of published encoders, under the names of `config.json`'s `hidden_act`.
public enum Activation: String, Sendable, CaseIterable {
    /// `x·Φ(x)`. Source: Hendrycks and Gimpel 2016, "Gaussian Error Linear Units", §2.
    case gelu
    /// The same with the approximation by a hyperbolic tangent. Source: ibid., §2.
    case geluNew = "gelu_new"
    case relu
    /// `x·σ(x)`. Source: ibid., §4; Elfwing et al. 2018.
    case silu
    case tanh

    /// Other names of the same functions.
    public init?(configurationName name: String) {
        switch name {
        case "gelu_pytorch_tanh", "gelu_fast": self = .geluNew
        case "swish": self = .silu
        default: self.init(rawValue: name)
        }
    }
}

extension Tensor {
    /// `f(x)` for every value.
    public func activated(_ activation: Activation) -> Tensor {
        switch activation {
        case .gelu: mapped { gelu($0) }
        case .geluNew: mapped { geluNew($0) }
        case .relu: mapped { max($0, 0) }
        case .silu: mapped { $0 * logistic($0) }
        case .tanh: mapped { hyperbolicTangent($0) }
        }
    }

    /// Multiplies this gradient of `f(x)` by `f′(x)`.
    public mutating func multiply(byDerivativeOf activation: Activation, at input: Tensor) {
        switch activation {
        case .gelu: combine(with: input) { $0 * geluDerivative($1) }
        case .geluNew: combine(with: input) { $0 * geluNewDerivative($1) }
        case .relu: combine(with: input) { $1 > 0 ? $0 : 0 }
        case .silu:
            combine(with: input) { gradient, x in
                let s = logistic(x)
                return gradient * (s + x * s * (1 - s))
            }
        case .tanh:
            combine(with: input) { gradient, x in
                let y = hyperbolicTangent(x)
                return gradient * (1 - y * y)
            }
        }
    }
}

@inline(always)
private func gelu(_ x: Float) -> Float { 0.5 * x * (1 + errorFunction(x * 0.707_106_78)) }

/// `Φ(x) + x·φ(x)`
@inline(always)
private func geluDerivative(_ x: Float) -> Float {
    0.5 * (1 + errorFunction(x * 0.707_106_78)) + x * 0.398_942_28 * exponential(-0.5 * x * x)
}

/// `√(2/π)·(x + 0.044715·x³)`, the argument of the hyperbolic tangent.
@inline(always)
private func geluNewInner(_ x: Float) -> Float { 0.797_884_56 * (x + 0.044_715 * x * x * x) }

@inline(always)
private func geluNew(_ x: Float) -> Float { 0.5 * x * (1 + hyperbolicTangent(geluNewInner(x))) }

@inline(always)
private func geluNewDerivative(_ x: Float) -> Float {
    let t = hyperbolicTangent(geluNewInner(x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.797_884_56 * (1 + 3 * 0.044_715 * x * x)
}
