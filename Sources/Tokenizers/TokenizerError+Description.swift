import SystemPackage

extension TokenizerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noTokenizerFile(let directory):
            "\(directory): no tokenizer; expected tokenizer.json, vocab.txt, a SentencePiece model, or vocab.json with "
                + "merges.txt. Is the directory a complete model?"
        case .unreadable(let file, let error): "\(file): cannot be read: \(error). Check the path and its permissions."
        case .unwritable(let file, .noSpace):
            "\(file): cannot be written: the disk is full. Free some space, or choose another place."
        case .unwritable(let file, let error):
            "\(file): cannot be written: \(error). Check the path, its permissions and the free space."
        case .invalidJSON(let file, let error): "\(file): not valid JSON: \(error). Is the file complete?"
        case .invalidUTF8(let file, let byte):
            "\(file): not valid UTF-8 at byte \(byte). Is it a text file, and complete?"
        case .invalidMember(let file, let path, let found, let expected):
            "\(file): \"\(path)\" is \(found); expected \(expected)."
        case .unsupportedPiece(let file, let stage, let type):
            "\(file): the \(stage) \"\(type)\" is not supported by this version."
        case .emptyVocabulary(let file): "\(file): the vocabulary is empty. Is the file complete?"
        case .missingUnknownToken(let file, let token):
            "\(file): the token for unknown words, \"\(token)\", is not in the vocabulary."
        case .missingToken(let file, let stage, let token):
            "\(file): the \(stage) names the token \"\(token)\", which is not in the vocabulary."
        case .idOutOfRange(let file, let token, let id):
            "\(file): the token \"\(token)\" has id \(id); expected one from 0 to 2147483647."
        case .mergeOfUnknownToken(let file, let merge, let token):
            "\(file): merge \(merge) names the token \"\(token)\", which is not in the vocabulary."
        case .invalidMerge(let file, let merge):
            "\(file): merge \(merge) is not a pair of tokens."
        case .invalidPattern(let file, let pattern, let reason):
            "\(file): the pattern \"\(pattern)\" cannot be used: \(reason)."
        case .invalidCharsmap(let file, let reason): "\(file): the precompiled character map is damaged: \(reason)."
        case .invalidSentencePieceModel(let file, let reason):
            "\(file): not a SentencePiece model: \(reason). Is the file complete?"
        case .wordBreaksUnavailable:
            "ICU cannot divide text into words: its data or memory are missing. Is libicu installed whole?"
        case .training(let reason): "the vocabulary cannot be trained: \(reason)."
        }
    }
}
