/// The third stage of the pipeline: turns a word into tokens.
enum Model: Sendable {
    case wordPiece(WordPiece)

    var vocabulary: Vocabulary {
        switch self {
        case .wordPiece(let model): model.vocabulary
        }
    }

    /// The id that stands for what the vocabulary lacks.
    var unknownID: Int32? {
        switch self {
        case .wordPiece(let model): model.unknownID
        }
    }

    /// The tokens of one word with their ranges in the word's bytes.
    func tokenize(_ word: Span<UInt8>, _ workspace: inout Workspace) {
        switch self {
        case .wordPiece(let model):
            var characters = 0
            for i in word.indices where !UTF8Code.isContinuation(word[i]) { characters += 1 }
            model.tokenize(
                word, count: word.count, state: Vocabulary.hash(word), characters: characters,
                scratch: &workspace.hashes, pieces: &workspace.pieces)
        }
    }
}

/// Buffers that encoding reuses from text to text.
struct Workspace: Sendable {
    var word: [UInt8] = [UInt8](repeating: 0, count: 512)
    var wordAlignments: [AlignedText.Alignment] = []
    var hashes: [UInt64] = []
    var scalars: [Int32] = []
    var ids: [Int32] = []
    var pieces: [WordToken] = []
    var tokens = TokenBuffer()
    var pairTokens = TokenBuffer()
}
