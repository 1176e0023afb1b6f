import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// What every layer must do: its backward pass is the derivative of its forward pass, frozen parameters take no
/// gradient, and dropout depends on the seed alone.
@Suite("Layer contract")
struct LayerContractTests {
    /// A layer as a function of one matrix, with its parameters.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let build: @Sendable (ParameterScope) throws -> Layer
    }

    struct Layer {
        let inputSize: Int
        let forward: (Tensor, RandomSource?) -> (Tensor, (Tensor) -> Tensor)
    }

    private static let sequences = [0..<4, 4..<5, 5..<9]

    static let cases =
        [
            Case(testDescription: "Linear") { scope in
                let layer = try Linear(scope, inputSize: 6, outputSize: 5, standardDeviation: 0.5)
                return Layer(inputSize: 6) { input, _ in
                    let (output, saved) = layer.forward(input)
                    return (output, { layer.backward($0, saved) })
                }
            },
            Case(testDescription: "LayerNorm") { scope in
                let layer = try LayerNorm(scope, size: 6, NormalizationKind(epsilon: 1e-5))
                return Layer(inputSize: 6) { input, _ in
                    let (output, saved) = layer.forward(input)
                    return (output, { layer.backward($0, saved) })
                }
            },
            Case(testDescription: "SelfAttention") { scope in
                let layer = try SelfAttention(scope, architecture())
                return Layer(inputSize: 6) { input, random in
                    let (output, saved) = layer.forward(input, sequences, training: random)
                    return (output, { layer.backward($0, saved) })
                }
            },
            Case(testDescription: "SelfAttention, causal") { scope in
                let layer = try SelfAttention(scope, architecture())
                return Layer(inputSize: 6) { input, random in
                    let (output, saved) = layer.forward(input, sequences, isCausal: true, training: random)
                    return (output, { layer.backward($0, saved) })
                }
            },
            Case(testDescription: "VectorAttention, whose vectors are the sequences' first rows") { scope in
                let layer = try VectorAttention(scope, architecture(), vectorSize: 6)
                let firstRows = sequences.map { Int32($0.lowerBound) }
                return Layer(inputSize: 6) { input, random in
                    let vectors = input.gather(firstRows)
                    let (output, saved) = layer.forward(input, vectors, [0, 0, 0, 0, 1, 2, 2, 2, 2], training: random)
                    return (
                        output,
                        { gradient in
                            var ofVectors = Tensor.zeros(vectors.shape)
                            var ofHidden = layer.backward(gradient, saved, addingTo: &ofVectors)
                            ofHidden.scatterAdd(ofVectors, at: firstRows)
                            return ofHidden
                        }
                    )
                }
            },
            Case(testDescription: "ResidualOutput") { scope in
                let layer = ResidualOutput(
                    dense: try Linear(scope["dense"], inputSize: 6, outputSize: 6, standardDeviation: 0.5),
                    layerNorm: try LayerNorm(scope["LayerNorm"], size: 6, NormalizationKind(epsilon: 1e-5)),
                    dropout: 0.3)
                return Layer(inputSize: 6) { input, random in
                    let (output, saved) = layer.forward(input, residual: input, training: random)
                    return (
                        output,
                        { gradient in
                            let (inner, residual) = layer.backward(gradient, saved)
                            return inner + residual
                        }
                    )
                }
            },
            Case(testDescription: "EncoderLayer") { scope in
                let layer = try EncoderLayer(scope, architecture())
                return Layer(inputSize: 6) { input, random in
                    let (output, saved) = layer.forward(input, sequences, training: random)
                    return (output, { layer.backward($0, saved) })
                }
            },
            Case(testDescription: "EncoderLayer, first tokens alone") { scope in
                let layer = try EncoderLayer(scope, architecture())
                return Layer(inputSize: 6) { input, random in
                    let (output, saved) = layer.forward(input, sequences, firstOnly: true, training: random)
                    return (output, { layer.backward($0, saved) })
                }
            },
            Case(testDescription: "EncoderLayer, gated, dropout between the dense layers") { scope in
                var architecture = try architecture()
                architecture.feedForward = .fusedGated(activatedFirst: false)
                architecture.hasFeedForwardBias = false
                architecture.intermediateDropout = 0.4
                let layer = try EncoderLayer(scope, architecture)
                return Layer(inputSize: 6) { input, random in
                    let (output, saved) = layer.forward(input, sequences, training: random)
                    return (output, { layer.backward($0, saved) })
                }
            },
            Case(testDescription: "EncoderLayer, disentangled positions") { scope in
                let architecture = try architecture("families/deberta-v3")
                let layer = try EncoderLayer(
                    scope["layer"], architecture, relativeEmbeddings: RelativeEmbeddings(scope, architecture))
                return Layer(inputSize: 6) { input, random in
                    let (output, saved) = layer.forward(input, sequences, training: random)
                    return (output, { layer.backward($0, saved) })
                }
            },
            Case(testDescription: "ClassificationHead") { scope in
                let layer = try ClassificationHead(scope, architecture(), labels: 3)
                return Layer(inputSize: 6) { input, _ in
                    let (output, saved) = layer.forward(input)
                    return (output, { layer.backward($0, saved) })
                }
            },
        ] + bottleneckCases

    private static func architecture(_ name: String = "tiny-bert-gelu") throws -> EncoderArchitecture {
        let file = try JSONFile(Golden.directory(name).appending("config.json"), purpose: "the test")
        var architecture = try EncoderArchitecture(file)
        architecture.hiddenSize = 6
        architecture.embeddingSize = 6
        architecture.headSize = 3
        architecture.numAttentionHeads = 2
        architecture.intermediateSize = 7
        architecture.initializerRange = 0.5
        architecture.hiddenDropoutProb = 0.2
        architecture.attentionProbsDropoutProb = 0.2
        return architecture
    }

    private func make(_ test: Case) throws -> (layer: Layer, parameters: [Parameter], input: Tensor, weights: Tensor) {
        let source = ParameterSource(nil, random: RandomSource(seed: 11))
        let layer = try test.build(source.root)
        // Biases of zero and scales of one would hide mistakes.
        let random = RandomSource(seed: 12)
        for parameter in source.parameters {
            let noise = random.normalTensor(parameter.shape, standardDeviation: 0.2)
            parameter.update { $0 += noise }
        }
        let input = random.normalTensor([9, layer.inputSize], standardDeviation: 1)
        let output = layer.forward(input, nil).0
        return (layer, source.parameters, input, random.normalTensor(output.shape, standardDeviation: 1))
    }

    private func loss(_ output: Tensor, _ weights: Tensor) -> Double {
        zip(output.values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    @Test("gradients of the input and of every parameter equal central differences", arguments: cases, [false, true])
    func gradients(test: Case, withDropout: Bool) throws {
        let (layer, parameters, input, weights) = try make(test)
        func random() -> RandomSource? { withDropout ? RandomSource(seed: 3) : nil }
        let inputGradient = layer.forward(input, random()).1(weights)
        let h: Float = 1e-2
        func check(_ analytic: Float, _ name: String, _ shifted: (Float) -> Double) {
            // Richardson's extrapolation of two central differences.
            let wide = (shifted(2 * h) - shifted(-2 * h)) / Double(4 * h)
            let narrow = (shifted(h) - shifted(-h)) / Double(2 * h)
            let numeric = (4 * narrow - wide) / 3
            #expect(abs(Double(analytic) - numeric) < 2e-3 * max(1, abs(numeric)), "\(name)")
        }
        for index in stride(from: 0, to: input.count, by: 5) {
            check(inputGradient.values[index], "input \(index)") { shift in
                var moved = input
                moved.mutate { $0[index] += shift }
                return loss(layer.forward(moved, random()).0, weights)
            }
        }
        for parameter in parameters {
            let gradient = try #require(parameter.gradient?.dense, "\(parameter.name) has no gradient")
            let value = parameter.value
            for index in stride(from: 0, to: value.count, by: max(1, value.count / 7)) {
                check(gradient.values[index], "\(parameter.name)[\(index)]") { shift in
                    parameter.update { $0.mutate { $0[index] = value.values[index] + shift } }
                    defer { parameter.update { $0 = value } }
                    return loss(layer.forward(input, random()).0, weights)
                }
            }
        }
    }

    @Test("a frozen parameter takes no gradient", arguments: cases)
    func frozen(test: Case) throws {
        let (layer, parameters, input, weights) = try make(test)
        for parameter in parameters { parameter.isTrainable = false }
        _ = layer.forward(input, nil).1(weights)
        #expect(parameters.allSatisfy { $0.gradient == nil })
    }

    @Test("dropout is the same for the same seed", arguments: cases)
    func dropout(test: Case) throws {
        let (layer, _, input, _) = try make(test)
        #expect(layer.forward(input, RandomSource(seed: 4)).0 == layer.forward(input, RandomSource(seed: 4)).0)
    }
}
