public import Checkpoints
import JSON
import SystemPackage

/// What `config_sentence_transformers.json` says: texts that stand before the user's, and how vectors are compared.
public struct SentenceSettings: Sendable {
    /// A text for every name, in the file's order.
    public private(set) var prompts: [(name: String, text: String)] = []
    /// The name of the prompt that is used when nobody chooses one.
    public private(set) var defaultPromptName: String?
    /// `cosine`, `dot`, `euclidean` or `manhattan`.
    public private(set) var similarity: String?
    /// The file's, or what it says where there is none.
    private(set) var object: JSONObject = [
        "prompts": .object([:]), "default_prompt_name": .null, "similarity_fn_name": .string("cosine"),
    ]

    static let fileName = "config_sentence_transformers.json"

    public init(_ directory: ModelDirectory) throws(CheckpointError) {
        guard directory.exists(Self.fileName) else { return }
        let file = try JSONFile(directory.path.appending(Self.fileName), purpose: "sentence-transformers' settings")
        object = file.object
        for member in file.object["prompts"]?.object?.members ?? [] {
            guard let text = member.value == .null ? "" : member.value.string else {
                throw file.invalid("prompts", expected: "an object of strings")
            }
            prompts.append((member.key, text))
        }
        if let value = file.object["default_prompt_name"], value != .null {
            guard let name = value.string, prompt(named: name) != nil else {
                throw file.invalid("default_prompt_name", expected: "the name of a prompt")
            }
            defaultPromptName = name
        }
        if let value = file.object["similarity_fn_name"], value != .null {
            let known = ["cosine", "dot", "euclidean", "manhattan"]
            guard let name = value.string, known.contains(name) else {
                throw file.invalid("similarity_fn_name", expected: known.joined(separator: ", "))
            }
            similarity = name
        }
    }

    func prompt(named name: String) -> String? { prompts.first { $0.name == name }?.text }
}
