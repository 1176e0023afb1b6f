import Checkpoints
import JSON
import SystemPackage
import Tensors
import Transformer

/// What sentence-transformers' modules do with the vectors of texts.
enum VectorModule {
    case normalize
    /// The first so many values.
    case truncate(Int)
    case layerNorm(LayerNorm)
    case dense(DenseModule)

    /// - Parameter vectors: `[texts, size]`
    func apply(_ vectors: Tensor) -> Tensor {
        switch self {
        case .normalize:
            var vectors = vectors
            vectors.normalizeRows()
            return vectors
        case .truncate(let size): return vectors.columns(0..<size)
        case .layerNorm(let norm): return norm.forward(vectors).output
        case .dense(let dense): return dense.apply(vectors)
        }
    }

    /// The columns of the result.
    func outputSize(_ size: Int) -> Int {
        switch self {
        case .dense(let dense): dense.outputSize
        case .truncate(let first): first
        case .normalize, .layerNorm: size
        }
    }

    var isNormalization: Bool { if case .normalize = self { true } else { false } }

    /// For people.
    var summary: String {
        switch self {
        case .normalize: "normalized"
        case .truncate(let size): "the first \(size) values"
        case .layerNorm: "layer norm"
        case .dense(let dense): dense.summary
        }
    }
}

/// `f(x·Wᵀ + b)`, and with a residual `+ x` or `+ x·Rᵀ`.
///
/// Source: sentence-transformers' `Dense`.
final class DenseModule {
    let inputSize: Int
    let outputSize: Int
    private let linear: Linear
    /// `nil` is the identity.
    private let activation: Activation?
    private let hasResidual: Bool
    private let residual: Linear?

    /// - Parameter directory: the module's own, with `config.json` and weights.
    init(_ directory: ModelDirectory) throws(CheckpointError) {
        let file = try JSONFile(directory.configuration, purpose: "the sizes of a dense module")
        for key in ["module_input_name", "module_output_name"] {
            if let name = file.object[key], name != .null, name != .string("sentence_embedding") {
                throw file.invalid(key, expected: "\"sentence_embedding\"")
            }
        }
        (inputSize, outputSize) = (try file.size("in_features"), try file.size("out_features"))
        activation = try Self.activation(file)
        hasResidual = file.object["use_residual"]?.bool ?? false
        let source = ParameterSource(try directory.openWeights(), random: RandomSource(seed: 0))
        linear = try Linear(
            source.root["linear"], inputSize: inputSize, outputSize: outputSize,
            hasBias: file.object["bias"]?.bool ?? true, standardDeviation: 0)
        residual =
            hasResidual && inputSize != outputSize
            ? try Linear(
                source.root["residual"], inputSize: inputSize, outputSize: outputSize, hasBias: false,
                standardDeviation: 0) : nil
        try source.checkAllUsed { _ in false }
        // Several threads may apply it.
        linear.pack()
        residual?.pack()
    }

    func apply(_ vectors: Tensor) -> Tensor {
        var output = linear.forward(vectors).output
        if let activation { output = output.activated(activation) }
        if hasResidual { output += residual?.forward(vectors).output ?? vectors }
        return output
    }

    var summary: String {
        "dense \(inputSize) → \(outputSize)\(activation.map { " \($0.rawValue)" } ?? "")\(hasResidual ? " with residual" : "")"
    }

    /// The class's path in torch, such as `torch.nn.modules.activation.Tanh`.
    private static func activation(_ file: JSONFile) throws(CheckpointError) -> Activation? {
        let key = "activation_function"
        guard let value = file.object[key] else { return .tanh }
        let path = (value.string ?? "").split(separator: ".")
        guard path.first == "torch" else { throw file.invalid(key, expected: "a class of torch.nn") }
        switch path.last {
        case "Identity": return nil
        case "Tanh": return .tanh
        case "ReLU": return .relu
        case "GELU": return .gelu
        case "SiLU": return .silu
        default: throw file.invalid(key, expected: "torch.nn's Identity, Tanh, ReLU, GELU or SiLU")
        }
    }
}
