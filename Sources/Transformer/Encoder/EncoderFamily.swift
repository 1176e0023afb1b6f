public import Checkpoints
import JSON
import Tensors

/// A family of published encoders: how its `config.json` says what `EncoderArchitecture` holds, and how its checkpoints
/// name the parameters.
public protocol EncoderFamily: Sendable {
    /// The `model_type`s of the family's configurations.
    static var modelTypes: [String] { get }

    /// Whether a configuration is of the family. By default its `model_type` says so.
    static func recognizes(_ file: JSONFile) throws(CheckpointError) -> Bool

    /// - Throws: `CheckpointError.invalidValue` for what the family has and this program does not run.
    static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture
}

extension EncoderFamily {
    public static func recognizes(_ file: JSONFile) throws(CheckpointError) -> Bool {
        modelTypes.contains(try file.string("model_type"))
    }
}

extension EncoderArchitecture {
    /// In the order in which they are asked whether a configuration is theirs.
    public static let families: [any EncoderFamily.Type] = [
        AlbertZh.self, JinaBERT.self, BERT.self, RoBERTa.self, DistilBERT.self, ALBERT.self, ELECTRA.self, MPNet.self,
        DeBERTa.self, ModernBERT.self, NomicBERT.self, GTE.self, T5.self,
    ]

    /// Every `model_type` that this program runs.
    public static var modelTypes: [String] {
        var seen: Set<String> = []
        return families.flatMap { $0.modelTypes }.filter { seen.insert($0).inserted }
    }

    /// - Parameter file: a `config.json`.
    public init(_ file: JSONFile) throws(CheckpointError) {
        var family: (any EncoderFamily.Type)?
        for candidate in Self.families where family == nil {
            if try candidate.recognizes(file) { family = candidate }
        }
        guard let family else {
            throw .unsupportedArchitecture(
                file.path, found: try file.string("model_type"), supported: Self.modelTypes)
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

    /// How many layers there are. What is made for each is made before the weights are looked at, so that a number which no
    /// model has would take all memory.
    func layerCount(_ key: String) throws(CheckpointError) -> Int { try size(key, atMost: 10_000) }

    /// The size of each of `heads` equal parts of `size`.
    func headSize(_ sizeKey: String, _ size: Int, _ headsKey: String, _ heads: Int) throws(CheckpointError) -> Int {
        guard size % heads == 0 else { throw invalid(sizeKey, expected: "a multiple of \(headsKey) (\(heads))") }
        return size / heads
    }

    func flag(_ key: String, absent: Bool) throws(CheckpointError) -> Bool {
        guard let value = object[key], value != .null else { return absent }
        guard let flag = value.bool else { throw invalid(key, expected: "true or false") }
        return flag
    }

    /// The rows of the table of token types; 0 where there is none.
    func typeVocabSize(absent: Int) throws(CheckpointError) -> Int {
        object["type_vocab_size"]?.integer == 0 ? 0 : try size("type_vocab_size", absent: absent)
    }

    /// The base of rotary positions in the form of transformers 5, an object such as `rope_parameters`.
    ///
    /// - Throws: for positions that are scaled.
    func rotaryBase(_ parameters: JSON?, of key: String, absent: Double) throws(CheckpointError) -> Double {
        guard let parameters, parameters != .null else { return absent }
        if let type = (parameters["rope_type"] ?? parameters["type"])?.string, type != "default" {
            throw invalid(key, expected: "rope_type \"default\", not \"\(type)\"")
        }
        guard let base = parameters["rope_theta"] else { return absent }
        guard let number = base.number, number > 0 else { throw invalid(key, expected: "a positive rope_theta") }
        return number
    }

    /// Refuses what would change the computation were it there.
    func requireAbsent(_ key: String) throws(CheckpointError) {
        if let value = object[key], value != .null { throw invalid(key, expected: "null") }
    }

    /// Refuses a value that would change the computation.
    func require(_ key: String, _ allowed: Bool) throws(CheckpointError) {
        if let value = object[key]?.bool, value != allowed { throw invalid(key, expected: "\(allowed)") }
    }
}
