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
        case .gelu: mapped(by: GELU.self)
        case .geluNew: mapped(by: TanhGELU.self)
        case .relu: mapped(by: ReLU.self)
        case .silu: mapped(by: SiLU.self)
        case .tanh: mapped(by: Tanh.self)
        }
    }

    /// Multiplies this gradient of `f(x)` by `f′(x)`.
    public mutating func multiply(byDerivativeOf activation: Activation, at input: Tensor) {
        switch activation {
        case .gelu: combine(with: input, by: TimesDerivative<GELU>.self)
        case .geluNew: combine(with: input, by: TimesDerivative<TanhGELU>.self)
        case .relu: combine(with: input, by: TimesDerivative<ReLU>.self)
        case .silu: combine(with: input, by: TimesDerivative<SiLU>.self)
        case .tanh: combine(with: input, by: TimesDerivative<Tanh>.self)
        }
    }
}

extension Tensor {
    /// `f(x) ⊙ gate`: a gated linear unit of the two halves of a product.
    ///
    /// Source: Shazeer 2020, "GLU Variants Improve Transformer", §2.
    public func gated(by gate: Tensor, _ activation: Activation) -> Tensor {
        var output = activated(activation)
        output *= gate
        return output
    }

    /// The gradients of `input` and `gate` from this gradient of `input.gated(by: gate, activation)`.
    public func backpropagated(
        throughGate gate: Tensor, _ activation: Activation, at input: Tensor
    ) -> (input: Tensor, gate: Tensor) {
        precondition(shape == gate.shape && shape == input.shape, "\(shape), \(gate.shape), \(input.shape)")
        return switch activation {
        case .gelu: gateGradients(GELU.self, input, gate)
        case .geluNew: gateGradients(TanhGELU.self, input, gate)
        case .relu: gateGradients(ReLU.self, input, gate)
        case .silu: gateGradients(SiLU.self, input, gate)
        case .tanh: gateGradients(Tanh.self, input, gate)
        }
    }

    /// `(gradient·gate·f′(input), gradient·f(input))`
    private func gateGradients<Function: DifferentiableFunction>(
        _ function: Function.Type, _ input: Tensor, _ gate: Tensor
    ) -> (input: Tensor, gate: Tensor) {
        var inputGradient = Tensor.uninitialized(shape)
        var gateGradient = Tensor.uninitialized(shape)
        unsafe values.withUnsafeBufferPointer { gradient in
            unsafe input.values.withUnsafeBufferPointer { input in
                unsafe gate.values.withUnsafeBufferPointer { gate in
                    unsafe gateGradient.withUnsafeMutableValues { gateGradient in
                        unsafe inputGradient.withUnsafeMutableValues { inputGradient in
                            unsafe forEachBlock(of: inputGradient) { range, inputGradient in
                                let gradient = unsafe UnsafeBufferPointer(rebasing: gradient[range])
                                let input = unsafe UnsafeBufferPointer(rebasing: input[range])
                                let gate = unsafe UnsafeBufferPointer(rebasing: gate[range])
                                let gateGradient = unsafe gateGradient.baseAddress! + range.lowerBound
                                for i in inputGradient.indices {
                                    unsafe inputGradient[i] = gradient[i] * gate[i] * Function.derivative(input[i])
                                    unsafe gateGradient[i] = gradient[i] * Function.value(input[i])
                                }
                            }
                        }
                    }
                }
            }
        }
        return (inputGradient, gateGradient)
    }
}

extension Activation {
    /// Replaces every value `x` by `f(x)`, as exact as the precision needs in which it is read.
    @unsafe
    func apply(to values: UnsafeMutableBufferPointer<Float>, for precision: Precision) {
        switch self {
        case .gelu where precision != .f32: unsafe Tensors.apply(RoughGELU.self, to: values)
        case .gelu: unsafe Tensors.apply(GELU.self, to: values)
        case .geluNew: unsafe Tensors.apply(TanhGELU.self, to: values)
        case .relu: unsafe Tensors.apply(ReLU.self, to: values)
        case .silu: unsafe Tensors.apply(SiLU.self, to: values)
        case .tanh: unsafe Tensors.apply(Tanh.self, to: values)
        }
    }
}

@unsafe @inline(__always)
private func apply<Function: ElementwiseFunction>(
    _ function: Function.Type, to values: UnsafeMutableBufferPointer<Float>
) {
    for i in values.indices { unsafe values[i] = Function.value(values[i]) }
}

private protocol DifferentiableFunction: ElementwiseFunction {
    static func derivative(_ x: Float) -> Float
}

private enum TimesDerivative<Function: DifferentiableFunction>: PairwiseFunction {
    @inline(__always) static func value(_ gradient: Float, _ x: Float) -> Float { gradient * Function.derivative(x) }
}

private enum GELU: DifferentiableFunction {
    @inline(__always) static func value(_ x: Float) -> Float { 0.5 * x * (1 + errorFunction(x * 0.707_106_78)) }

    /// `Φ(x) + x·φ(x)`
    @inline(__always) static func derivative(_ x: Float) -> Float {
        0.5 * (1 + errorFunction(x * 0.707_106_78)) + x * 0.398_942_28 * exponential(-0.5 * x * x)
    }
}

/// `x·Φ(x)`, absolute error below 5e-5, without a division.
///
/// `(Φ(x) - 1/2) / x` is a polynomial of degree 8 in `x²` for `|x| ≤ 4.4`, of the least error times `|x|` that is right at
/// the end.
private enum RoughGELU: ElementwiseFunction {
    @inline(__always) static func value(_ x: Float) -> Float {
        let u = min(max(x, -4.4), 4.4)
        let s = u * u
        var p: Float = 3.569_408_697e-11
        p = multiplyAdd(p, s, -3.754_033_126e-9)
        p = multiplyAdd(p, s, 1.740_842_218e-7)
        p = multiplyAdd(p, s, -4.724_859_293e-6)
        p = multiplyAdd(p, s, 8.429_292_088e-5)
        p = multiplyAdd(p, s, -1.054_991_833e-3)
        p = multiplyAdd(p, s, 9.643_024_884e-3)
        p = multiplyAdd(p, s, -6.607_642_127e-2)
        p = multiplyAdd(p, s, 3.987_615_996e-1)
        return x * max(multiplyAdd(u, p, 0.5), 0)
    }
}

private enum TanhGELU: DifferentiableFunction {
    /// `√(2/π)·(x + 0.044715·x³)`
    @inline(__always) private static func inner(_ x: Float) -> Float { 0.797_884_56 * (x + 0.044_715 * x * x * x) }

    @inline(__always) static func value(_ x: Float) -> Float { 0.5 * x * (1 + hyperbolicTangent(inner(x))) }

    @inline(__always) static func derivative(_ x: Float) -> Float {
        let t = hyperbolicTangent(inner(x))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.797_884_56 * (1 + 3 * 0.044_715 * x * x)
    }
}

private enum ReLU: DifferentiableFunction {
    @inline(__always) static func value(_ x: Float) -> Float { max(x, 0) }
    @inline(__always) static func derivative(_ x: Float) -> Float { x > 0 ? 1 : 0 }
}

private enum SiLU: DifferentiableFunction {
    @inline(__always) static func value(_ x: Float) -> Float { x * logistic(x) }

    @inline(__always) static func derivative(_ x: Float) -> Float {
        let s = logistic(x)
        return s + x * s * (1 - s)
    }
}

private enum Tanh: DifferentiableFunction {
    @inline(__always) static func value(_ x: Float) -> Float { hyperbolicTangent(x) }

    @inline(__always) static func derivative(_ x: Float) -> Float {
        let y = hyperbolicTangent(x)
        return 1 - y * y
    }
}
