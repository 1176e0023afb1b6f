public import Checkpoints
import JSON
import Tensors

/// A family of published encoders: how its `config.json` says what `EncoderArchitecture` holds, and how its checkpoints
/// name the parameters.
public protocol EncoderFamily: Sendable {
    /// The `model_type`s of the family's configurations.
    static var modelTypes: [String] { get }

    /// - Throws: `CheckpointError.invalidValue` for what the family has and this program does not run.
    static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture
}

extension EncoderArchitecture {
    public static let families: [any EncoderFamily.Type] = [
        BERT.self, RoBERTa.self, DistilBERT.self, ALBERT.self, ELECTRA.self, MPNet.self, DeBERTa.self,
    ]

    /// Every `model_type` that this program runs.
    public static var modelTypes: [String] { families.flatMap { $0.modelTypes } }

    /// - Parameter file: a `config.json`.
    public init(_ file: JSONFile) throws(CheckpointError) {
        let type = try file.string("model_type")
        guard let family = Self.families.first(where: { $0.modelTypes.contains(type) }) else {
            throw .unsupportedArchitecture(file.path, found: type, supported: Self.modelTypes)
        }
        if file.object["is_decoder"]?.bool == true { throw file.invalid("is_decoder", expected: "false") }
        self = try family.architecture(file)
    }
}

/// Members that several families' configurations have.
extension JSONFile {
    func activation(_ key: String, absent: Activation = .gelu) throws(CheckpointError) -> Activation {
        guard let value = object[key], value != .null else { return absent }
        guard let known = value.string.flatMap({ Activation(configurationName: $0) }) else {
            let names = Activation.allCases.map(\.rawValue).joined(separator: ", ")
            throw invalid(key, expected: "one of \(names)")
        }
        return known
    }

    func dropout(_ key: String, absent: Double) throws(CheckpointError) -> Float {
        Float(try number(key, absent: absent, in: 0...0.99))
    }

    func epsilon(_ key: String, absent: Double) throws(CheckpointError) -> Float {
        Float(try number(key, absent: absent, in: 0...1))
    }

    func initializerRange(_ key: String = "initializer_range", absent: Double = 0.02) throws(CheckpointError) -> Float {
        Float(try number(key, absent: absent, in: 0...10))
    }

    /// 0 says that there is no table of token types.
    func typeVocabSize(absent: Int) throws(CheckpointError) -> Int {
        let key = "type_vocab_size"
        return object[key]?.integer == 0 ? 0 : try size(key, absent: absent)
    }

    /// The size of each of `heads` equal parts of `size`.
    func headSize(_ sizeKey: String, _ size: Int, _ headsKey: String, _ heads: Int) throws(CheckpointError) -> Int {
        guard size % heads == 0 else { throw invalid(sizeKey, expected: "a multiple of \(headsKey) (\(heads))") }
        return size / heads
    }

    /// Refuses a value that would change the computation.
    func require(_ key: String, _ allowed: Bool) throws(CheckpointError) {
        if let value = object[key]?.bool, value != allowed { throw invalid(key, expected: "\(allowed)") }
    }
}
