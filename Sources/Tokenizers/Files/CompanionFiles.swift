import JSON
import SystemPackage

/// What `tokenizer_config.json` and `special_tokens_map.json` say beside a tokenizer's own file.
struct CompanionFiles {
    private var configuration: JSON?
    /// Texts of special tokens by their role, such as `cls_token`.
    private(set) var roles: [String: String] = [:]
    private(set) var addedTokens: [AddedToken] = []

    static let none = CompanionFiles()

    private init() {}

    init(directory: FilePath) throws(TokenizerError) {
        let file = directory.appending("tokenizer_config.json")
        let map = try Self.json(directory.appending("special_tokens_map.json"))
        configuration = try Self.json(file)
        modelType = try Self.json(directory.appending("config.json"))?["model_type"]?.string
        for source in [map, configuration].compactMap({ $0?.object }) {
            for member in source.members where member.key.hasSuffix("_token") {
                if let token = member.value.string ?? member.value["content"]?.string { roles[member.key] = token }
            }
        }
        let reader = PipelineReader(file: file, vocabulary: { _ in nil })
        for source in [map, configuration].compactMap({ $0?.object }) {
            for member in source.members where member.key.hasSuffix("_token") && member.value.object != nil {
                var token = member.value.object ?? [:]
                token["special"] = .bool(true)
                addedTokens.append(try reader.addedToken(.object(token), member.key))
            }
        }
        if let tokens = configuration?["added_tokens_decoder"]?.object {
            for member in tokens.members {
                addedTokens.append(try reader.addedToken(member.value, "added_tokens_decoder.\(member.key)"))
            }
        }
    }

    private static func json(_ file: FilePath) throws(TokenizerError) -> JSON? {
        guard fileExists(file) else { return nil }
        let bytes = try readFile(file)
        do throws(JSONError) { return try JSON(parsing: bytes) } catch { throw .invalidJSON(file, error) }
    }

    /// The `model_type` of `config.json`.
    private(set) var modelType: String?

    /// Whether `model_input_names` leaves token types out.
    var hidesTypes: Bool {
        guard let names = configuration?["model_input_names"]?.array else { return false }
        return !names.contains(.string("token_type_ids"))
    }

    func integer(_ key: String) -> Int? { configuration?[key]?.integer }
    func bool(_ key: String) -> Bool? { configuration?[key]?.bool }
    func string(_ key: String) -> String? { configuration?[key]?.string }
}
