import Checkpoints
import JSON
import SystemPackage
import Tensors
import Transformer

/// What sentence-transformers' modules do with the vectors of texts.
enum VectorModule {
    case normalize
    /// The first so many values, as inference alone may be asked for them.
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

    /// What the backward pass needs.
    enum Saved: Sendable {
        case normalize(UnitRows)
        case layerNorm(LayerNorm.Saved)
        case dense(DenseModule.Saved)
    }

    /// - Parameter vectors: `[texts, size]`
    func forward(_ vectors: Tensor) -> (output: Tensor, saved: Saved) {
        switch self {
        case .normalize:
            let unit = UnitRows(vectors)
            return (unit.rows, .normalize(unit))
        case .truncate: preconditionFailure("vectors are cut in inference alone")
        case .layerNorm(let norm):
            let (output, saved) = norm.forward(vectors)
            return (output, .layerNorm(saved))
        case .dense(let dense):
            let (output, saved) = dense.forward(vectors)
            return (output, .dense(saved))
        }
    }

    /// Adds to the gradients of the module's parameters, and returns the gradient of its input.
    func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        switch (self, saved) {
        case (.normalize, .normalize(let unit)): return unit.backward(gradient)
        case (.layerNorm(let norm), .layerNorm(let saved)): return norm.backward(gradient, saved)
        case (.dense(let dense), .dense(let saved)): return dense.backward(gradient, saved)
        default: preconditionFailure("another module than in the forward pass")
        }
    }

    var parameters: [Parameter] {
        switch self {
        case .normalize, .truncate: []
        case .layerNorm(let norm): [norm.weight] + (norm.bias.map { [$0] } ?? [])
        case .dense(let dense): dense.parameters
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
    /// What `config.json` says.
    let settings: JSONObject

    /// - Parameters:
    ///   - directory: the module's own, with `config.json` and weights.
    ///   - name: stands in front of the parameters' names, and is not in the file.
    init(_ directory: ModelDirectory, name: String) throws(CheckpointError) {
        let file = try JSONFile(directory.configuration, purpose: "the sizes of a dense module")
        for key in ["module_input_name", "module_output_name"] {
            if let name = file.object[key], name != .null, name != .string("sentence_embedding") {
                throw file.invalid(key, expected: "\"sentence_embedding\"")
            }
        }
        (inputSize, outputSize) = (try file.size("in_features"), try file.size("out_features"))
        activation = try Self.activation(file)
        hasResidual = file.object["use_residual"]?.bool ?? false
        settings = file.object
        let source = try Self.source(directory, name: name)
        linear = try Linear(
            source.root[name]["linear"], inputSize: inputSize, outputSize: outputSize,
            hasBias: file.object["bias"]?.bool ?? true, standardDeviation: 0)
        residual =
            hasResidual && inputSize != outputSize
            ? try Linear(
                source.root[name]["residual"], inputSize: inputSize, outputSize: outputSize, hasBias: false,
                standardDeviation: 0) : nil
        try source.checkAllUsed { _ in false }
        // Several threads may apply it.
        linear.pack()
        residual?.pack()
    }

    func apply(_ vectors: Tensor) -> Tensor { forward(vectors).output }

    struct Saved: Sendable {
        let linear: Linear.Saved
        let hidden: Tensor
        let residual: Linear.Saved?
    }

    func forward(_ vectors: Tensor) -> (output: Tensor, saved: Saved) {
        let (hidden, saved) = linear.forward(vectors)
        var output = activation.map { hidden.activated($0) } ?? hidden
        let projected = residual?.forward(vectors)
        if hasResidual { output += projected?.output ?? vectors }
        return (output, Saved(linear: saved, hidden: hidden, residual: projected?.saved))
    }

    func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var inner = gradient
        if let activation { inner.multiply(byDerivativeOf: activation, at: saved.hidden) }
        var result = linear.backward(inner, saved.linear)
        if let residual, let rows = saved.residual {
            result += residual.backward(gradient, rows)
        } else if hasResidual {
            result += gradient
        }
        return result
    }

    var parameters: [Parameter] {
        [linear, residual].compactMap { $0 }.flatMap { [$0.weight] + ($0.bias.map { [$0] } ?? []) }
    }

    /// The weights of a module whose names here begin with the module's own.
    static func source(_ directory: ModelDirectory, name: String) throws(CheckpointError) -> ParameterSource {
        ParameterSource(
            try directory.openWeights(), spellings: CheckpointSpellings(optionalPrefix: name + "."),
            random: RandomSource(seed: 0))
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
