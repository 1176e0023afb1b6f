import Checkpoints
public import JSON

/// What one input line asks for: a text or a pair of texts, with an identifier of the user's own if there is one.
public struct InputText: Equatable, Sendable {
    public let text: String
    public let pair: String?
    /// Repeated in the record of this line.
    public let id: JSON?
    /// What names the adapter that is to be used, where the line chooses among several.
    public let adapter: JSON?

    public init(text: String, pair: String? = nil, id: JSON? = nil, adapter: JSON? = nil) {
        self.text = text
        self.pair = pair
        self.id = id
        self.adapter = adapter
    }
}

/// Why an input line cannot be used. Lines count from 1 in messages.
public enum LineFault: Error, Equatable, Sendable {
    case invalidUTF8(line: Int, byte: Int)
    case tooLong(line: Int, limit: Int)
    case invalidJSON(line: Int, JSONError)
    case missingText(line: Int)
    case wrongType(line: Int, member: String)
    /// One text where every line holds two with a tab between them.
    case missingPair(line: Int)
    /// No masked word where one is asked for.
    case missingMask(line: Int, mask: String)
    /// The masked words stand behind the last token that the model takes.
    case cutMask(line: Int, mask: String, tokens: Int)
    /// A word that word vectors do not know.
    case unknownWord(line: Int, word: String)
    /// Another number of words than are asked for.
    case wordCount(line: Int, found: Int, expected: Int)
    /// A pair where single texts are taken: by `embed`, or by a model with one token type.
    case unexpectedPair(line: Int)
    /// No adapter where the line chooses among several.
    case missingAdapter(line: Int, known: [String])
    case unknownAdapter(line: Int, name: String, known: [String])

    public var description: String {
        switch self {
        case .invalidUTF8(let line, let byte): "line \(line) is not valid UTF-8 at byte \(byte)"
        case .tooLong(let line, let limit): "line \(line) is longer than \(limit) bytes"
        case .invalidJSON(let line, let error): "line \(line) is not valid JSON: \(error)"
        case .missingText(let line): "line \(line) has no \"text\""
        case .wrongType(let line, let member): "line \(line): \"\(member)\" is not a string"
        case .missingPair(let line): "line \(line) has no tab between two texts"
        case .missingMask(let line, let mask): "line \(line) has no \(mask)"
        case .cutMask(let line, let mask, let tokens): "line \(line) has no \(mask) among its first \(tokens) tokens"
        case .unknownWord(let line, let word): "line \(line): there is no vector for \"\(word)\""
        case .wordCount(let line, let found, let expected):
            "line \(line) has \(found.counted("word")); expected \(expected)"
        case .unexpectedPair(let line): "line \(line) has a \"text_pair\"; single texts are taken here"
        case .missingAdapter(let line, let known):
            "line \(line) has no \"adapter\"; expected \(known.joined(separator: ", "))"
        case .unknownAdapter(let line, let name, let known):
            "line \(line): there is no adapter \"\(name)\"; expected \(known.joined(separator: ", "))"
        }
    }
}

extension InputText {
    /// - Parameters:
    ///   - readsJSON: whether a line that begins with `{` is an object with `text`, `text_pair` and `id`.
    ///   - readsPairs: whether any other line holds two texts with a tab between them.
    init(
        _ line: LineReader.Line, readsJSON: Bool, acceptsPairs: Bool, readsPairs: Bool = false
    ) throws(LineFault) {
        let number = line.index + 1
        switch line.content {
        case .invalidUTF8(let byte): throw .invalidUTF8(line: number, byte: byte)
        case .tooLong(let limit): throw .tooLong(line: number, limit: limit)
        case .text(let text):
            guard readsJSON, text.utf8.first == UInt8(ascii: "{") else {
                guard readsPairs else {
                    self.init(text: text)
                    return
                }
                guard acceptsPairs else { throw .unexpectedPair(line: number) }
                let texts = text.utf8.split(
                    separator: UInt8(ascii: "\t"), maxSplits: 1, omittingEmptySubsequences: false)
                guard texts.count == 2 else { throw .missingPair(line: number) }
                self.init(text: String(Substring(texts[0])), pair: String(Substring(texts[1])))
                return
            }
            let value: JSON
            do throws(JSONError) { value = try JSON(parsing: Array(text.utf8)) } catch {
                throw .invalidJSON(line: number, error)
            }
            guard let member = value["text"] else { throw .missingText(line: number) }
            guard let string = member.string else { throw .wrongType(line: number, member: "text") }
            var pair: String?
            if let member = value["text_pair"], member != .null {
                guard let string = member.string else { throw .wrongType(line: number, member: "text_pair") }
                guard acceptsPairs else { throw .unexpectedPair(line: number) }
                pair = string
            }
            self.init(text: string, pair: pair, id: value["id"], adapter: value["adapter"])
        }
    }
}
