import Tensors
import Transformer

/// Bottleneck adapters of every kind as cases of the layers' contract: each is a place of an encoder's layer with its
/// residual and normalization.
extension LayerContractTests {
    static let bottleneckCases: [Case] = [
        bottleneck("pfeiffer", .pfeiffer),
        bottleneck("houlsby, two in a stack", .houlsby, count: 2),
        bottleneck("parallel", .parallel),
        bottleneck("compacter", .compacter) { kind in kind.reductionFactor = 2 },
        bottleneck("compacter++, whole blocks and factorized rules of its own", .compacterPlusPlus) { kind in
            kind.reductionFactor = 2
            kind.hypercomplex?.rank = nil
            kind.hypercomplex?.sharesRules = false
            kind.hypercomplex?.hasFactorizedRules = true
        },
        bottleneck("compacter, everything shared", .compacter) { kind in
            kind.reductionFactor = 2
            kind.hypercomplex?.sharesBlocks = true
        },
        bottleneck("normalizations of its own, learned scale", .pfeiffer) { kind in
            kind.hasNormBefore = true
            kind.hasNormAfter = true
            kind.scaling = .learned
            kind.residual = .afterNorm
            kind.dropout = 0.3
        },
        bottleneck("residual inside its own normalization, scaled channels", .pfeiffer) { kind in
            kind.hasNormAfter = true
            kind.addsResidualBeforeOwnNorm = true
            kind.scaling = .learnedByChannel
            kind.residual = .afterAddition
        },
        bottleneck("pfeiffer, average", .pfeiffer, count: 2, averages: [0.3, 0.7]),
        bottleneck("pfeiffer, two in a stack, normalized first", .pfeiffer, count: 2, isPreNorm: true),
        fusion("pfeiffer, fused", .pfeiffer, hasValue: true),
        fusion("houlsby, fused without values", .houlsby, hasValue: false),
    ]

    private static func bottleneck(
        _ name: String, _ kind: BottleneckConfiguration, count: Int = 1, averages: [Float]? = nil,
        isPreNorm: Bool = false, _ change: @escaping @Sendable (inout BottleneckConfiguration) -> Void = { _ in }
    ) -> Case {
        Case(testDescription: "AdapterBlock, " + name) { scope in
            let size = 8
            var kind = kind
            kind.reductionFactor = 2
            // Differences across the corner of ReLU would say nothing.
            kind.activation = .gelu
            change(&kind)
            let norm = isPreNorm ? nil : try LayerNorm(scope["norm"], size: size, NormalizationKind(epsilon: 1e-5))
            let adapters = try (0..<count).map { try adapter(scope["adapter\($0)"], kind, size: size) }
            return layer(AdapterBlock(adapters, averages.map { .average($0) } ?? .stack), norm, size: size)
        }
    }

    private static func fusion(_ name: String, _ kind: BottleneckConfiguration, hasValue: Bool) -> Case {
        Case(testDescription: "AdapterBlock, " + name) { scope in
            let size = 8
            var kind = kind
            kind.reductionFactor = 2
            kind.activation = .gelu
            let norm = try LayerNorm(scope["norm"], size: size, NormalizationKind(epsilon: 1e-5))
            let adapters = try (0..<3).map { try adapter(scope["adapter\($0)"], kind, size: size) }
            func linear(_ name: String, hasBias: Bool = true) throws -> Linear {
                try Linear(scope[name], inputSize: size, outputSize: size, hasBias: hasBias, standardDeviation: 0.4)
            }
            let fusion = AdapterFusion(
                query: try linear("query"), key: try linear("key"),
                value: hasValue ? try linear("value", hasBias: false) : nil, dropout: 0.2)
            return layer(AdapterBlock(adapters, .fusion(fusion)), norm, size: size)
        }
    }

    /// What the half computed is in the input's first columns, its residual in the others.
    private static func layer(_ block: AdapterBlock, _ norm: LayerNorm?, size: Int) -> Layer {
        Layer(inputSize: 2 * size) { input, random in
            let (output, saved) = block.forward(
                input.columns(0..<size), residual: input.columns(size..<2 * size), norm, training: random)
            return (
                output,
                { gradient in
                    let (hidden, residual) = block.backward(gradient, saved, norm)
                    return Tensor(columns: [hidden, residual])
                }
            )
        }
    }

    private static func adapter(
        _ scope: ParameterScope, _ kind: BottleneckConfiguration, size: Int
    ) throws -> BottleneckAdapter {
        let assembly = try BottleneckAssembly(kind, name: "a", scope, hiddenSize: size)
        return try assembly.adapter(scope, bottleneck: size / 2)
    }
}
