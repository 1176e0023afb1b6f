import JSON
import SystemPackage

/// Reads a `tokenizer.json`. The vocabulary is read straight from the text, the small rest as trees.
enum TokenizerJSON {
    static func read(_ file: FilePath) throws(TokenizerError) -> TokenizerParts {
        let bytes = try readFile(file)
        let contents: Contents
        do throws(JSONError) {
            contents = try Contents(bytes)
        } catch {
            throw .invalidJSON(file, error)
        }
        return try parts(contents, file)
    }

    /// The members of the file, before anything is made of them.
    private struct Contents {
        var members: [String: JSON] = [:]
        var model = RawModel()

        init(_ bytes: [UInt8]) throws(JSONError) {
            var reader = JSONReader(bytes)
            try reader.beginObject()
            while let key = try reader.nextKey() {
                if key == "model", try reader.peek() == .object {
                    model = try RawModel(&reader)
                } else {
                    members[key] = try reader.readValue()
                }
            }
            try reader.expectEnd()
        }
    }

    private static func parts(_ contents: Contents, _ file: FilePath) throws(TokenizerError) -> TokenizerParts {
        let model = try contents.model.model(file)
        let reader = PipelineReader(file: file, vocabulary: { model.vocabulary.id($0) })
        if let version = contents.members["version"], version != .string("1.0") {
            throw .invalidMember(file, path: "version", found: version.string ?? version.kind, expected: "\"1.0\"")
        }
        var parts = TokenizerParts(model: model)
        parts.normalizer = try reader.normalizer(contents.members["normalizer"] ?? .null)
        parts.preTokenizer = try reader.preTokenizer(contents.members["pre_tokenizer"] ?? .null)
        parts.postProcessor = try reader.postProcessor(contents.members["post_processor"] ?? .null)
        parts.decoder = try reader.decoder(contents.members["decoder"] ?? .null)
        parts.truncation = try reader.truncation(contents.members["truncation"] ?? .null)
        parts.padding = try reader.padding(contents.members["padding"] ?? .null)
        switch contents.members["added_tokens"] ?? .null {
        case .null: break
        case .array(let tokens):
            var added = AddedTokenList(model: model)
            for (i, token) in tokens.enumerated() {
                added.append(try reader.addedToken(token, "added_tokens[\(i)]"))
            }
            parts.addedTokens = added.tokens
        case let other: throw reader.invalid("added_tokens", other, expected: "an array")
        }
        return parts
    }
}

/// Added tokens with the ids that they really get.
///
/// As in the reference, a token that the vocabulary has keeps the vocabulary's id, and others are numbered from the
/// end of the vocabulary on, whatever id the file gives.
struct AddedTokenList {
    let model: Model
    private(set) var tokens: [AddedToken] = []
    private var ids: [[UInt8]: Int32] = [:]
    /// Where in `tokens` each id is.
    private var places: [Int32: Int] = [:]
    private var next: Int32

    init(model: Model) {
        self.model = model
        next = Int32(truncatingIfNeeded: model.vocabulary.count)
    }

    func contains(_ content: String) -> Bool { ids[Array(content.utf8)] != nil }

    mutating func append(_ token: AddedToken) {
        let bytes = Array(token.content.utf8)
        if bytes.isEmpty { return }
        let id: Int32
        if let known = ids[bytes] ?? model.vocabulary.id(bytes.span) {
            id = known
        } else {
            id = next
            next += 1
        }
        ids[bytes] = id
        let numbered = AddedToken(
            id: id, content: token.content, singleWord: token.singleWord, lstrip: token.lstrip, rstrip: token.rstrip,
            normalized: token.normalized, special: token.special)
        if let place = places[id] {
            tokens[place] = numbered
        } else {
            places[id] = tokens.count
            tokens.append(numbered)
        }
    }
}
