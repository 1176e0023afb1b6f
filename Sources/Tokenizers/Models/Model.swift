/// The third stage of the pipeline: turns a word into tokens.
enum Model: Sendable {
    case wordPiece(WordPiece)
    case bytePairEncoding(BytePairEncoding)
    case unigram(Unigram)
    case wordLevel(WordLevel)
    case sentencePiece(SentencePieceModel)

    var vocabulary: Vocabulary {
        switch self {
        case .wordPiece(let model): model.vocabulary
        case .bytePairEncoding(let model): model.vocabulary
        case .unigram(let model): model.vocabulary
        case .wordLevel(let model): model.vocabulary
        case .sentencePiece(let model): model.vocabulary
        }
    }

    /// The id that stands for what the vocabulary lacks.
    var unknownID: Int32? {
        switch self {
        case .wordPiece(let model): model.unknownID
        case .bytePairEncoding(let model): model.unknownID
        case .unigram(let model): model.unknownID
        case .wordLevel(let model): model.unknownID
        case .sentencePiece(let model): model.unknownID
        }
    }

    /// Whether an unknown token's text is what stands in the word.
    var spellsOutUnknown: Bool { if case .unigram = self { true } else { false } }

    /// Leaves the tokens of one word, with their ranges in the word's bytes, in the workspace.
    func tokenize(_ word: Span<UInt8>, _ workspace: inout Workspace) {
        workspace.pieces.removeAll(keepingCapacity: true)
        switch self {
        case .wordPiece(let model):
            var characters = 0
            for i in word.indices where !UTF8Code.isContinuation(word[i]) { characters += 1 }
            model.tokenize(
                word, count: word.count, state: Vocabulary.hash(word), characters: characters,
                scratch: &workspace.hashes, pieces: &workspace.pieces)
        case .bytePairEncoding(let model):
            cached(word, &workspace) { word, workspace in
                model.tokenize(
                    word, symbols: &workspace.symbols, heap: &workspace.heap, pieces: &workspace.pieces)
            }
        case .unigram(let model):
            cached(word, &workspace) { word, workspace in
                model.tokenize(word, nodes: &workspace.nodes, pieces: &workspace.pieces)
            }
        case .wordLevel(let model): model.tokenize(word, pieces: &workspace.pieces)
        case .sentencePiece: preconditionFailure("SentencePiece models take whole texts")
        }
    }

    @inline(__always)
    private func cached(
        _ word: Span<UInt8>, _ workspace: inout Workspace, _ tokenize: (Span<UInt8>, inout Workspace) -> Void
    ) {
        if word.count > WordCache.longestWord {
            tokenize(word, &workspace)
            return
        }
        let hash = Vocabulary.finish(Vocabulary.hash(word))
        if let range = workspace.cache.find(word, 0..<word.count, hash: hash) {
            for i in range { workspace.pieces.append(workspace.cache.pieces[i]) }
            return
        }
        tokenize(word, &workspace)
        workspace.cache.insert(word, 0..<word.count, hash: hash, workspace.pieces)
    }
}

/// Buffers that encoding reuses from text to text, and what one thread remembers.
struct Workspace: Sendable {
    var word: [UInt8] = [UInt8](repeating: 0, count: 512)
    var wordAlignments: [AlignedText.Alignment] = []
    var hashes: [UInt64] = []
    var scalars: [Int32] = []
    var ids: [Int32] = []
    var pieces: [WordToken] = []
    var symbols: [BytePairEncoding.Symbol] = []
    var heap = MergeHeap()
    var nodes: [Unigram.Node] = []
    var foundPieces = SentencePieceModel.FoundPieces()
    var cache = WordCache()
    var tokens = TokenBuffer()
    var pairTokens = TokenBuffer()
}
