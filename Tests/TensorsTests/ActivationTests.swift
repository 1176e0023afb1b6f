import Glibc
import Tensors
import TestSupport
import Testing

@Suite("Activation")
struct ActivationTests {
    private func exact(_ activation: Activation, _ x: Double) -> Double {
        switch activation {
        case .gelu: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
        case .geluNew: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .relu: max(0, x)
        case .silu: x / (1 + exp(-x))
        case .tanh: tanh(x)
        }
    }

    private let inputs = Tensor([2001], (0...2000).map { Float($0 - 1000) / 80 })

    @Test("values agree with the C library's functions in Double", arguments: Activation.allCases)
    func values(activation: Activation) {
        let output = inputs.activated(activation)
        for (x, y) in zip(inputs.values, output.values) {
            #expect(abs(Double(y) - exact(activation, Double(x))) < 1e-6 * max(1, abs(Double(x))), "at \(x)")
        }
    }

    @Test("derivatives agree with central differences in Double", arguments: Activation.allCases)
    func derivatives(activation: Activation) {
        var gradient = Tensor(repeating: 1, inputs.shape)
        gradient.multiply(byDerivativeOf: activation, at: inputs)
        let h = 1e-6
        for (x, y) in zip(inputs.values, gradient.values) where !(activation == .relu && x == 0) {
            let difference = (exact(activation, Double(x) + h) - exact(activation, Double(x) - h)) / (2 * h)
            #expect(abs(Double(y) - difference) < 5e-6, "at \(x)")
        }
    }

    @Test("the gradients of a gated unit agree with central differences in Double", arguments: Activation.allCases)
    func gates(activation: Activation) {
        let random = RandomSource(seed: 8)
        let shape: Shape = [3, 7000]
        let (input, gate, gradient) = (
            random.normalTensor(shape, standardDeviation: 2), random.normalTensor(shape, standardDeviation: 1),
            random.normalTensor(shape, standardDeviation: 1)
        )
        let output = input.gated(by: gate, activation)
        let gradients = gradient.backpropagated(throughGate: gate, activation, at: input)
        let h = 1e-6
        for i in 0..<shape.count {
            let (x, y, g) = (Double(input.values[i]), Double(gate.values[i]), Double(gradient.values[i]))
            let value = exact(activation, x)
            #expect(abs(Double(output.values[i]) - value * y) < 1e-5)
            #expect(abs(Double(gradients.gate.values[i]) - g * value) < 1e-5)
            let slope = (exact(activation, x + h) - exact(activation, x - h)) / (2 * h)
            #expect(abs(Double(gradients.input.values[i]) - g * y * slope) < 2e-5)
        }
    }

    @Test("other publishers' names are known, unknown ones are not")
    func names() {
        #expect(Activation(configurationName: "gelu_pytorch_tanh") == .geluNew)
        #expect(Activation(configurationName: "swish") == .silu)
        #expect(Activation(configurationName: "mish") == nil)
    }
}
