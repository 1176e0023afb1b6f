import Checkpoints
public import Tensors
import Tokenizers
public import Transformer

/// What denoising needs of a sentence encoder.
extension TrainableSentenceEncoder {
    /// A decoder of the vectors, which shares the encoder's parameters; its head is the checkpoint's, where that has one.
    ///
    /// - Parameter random: initializes what the checkpoint lacks.
    /// - Throws: `ModelError.noDecoder` for a family whose layers cannot be a decoder's.
    public func decoder(_ random: RandomSource) throws(ModelError) -> VectorDecoder {
        let architecture = encoder.architecture
        guard architecture.canDecode else {
            throw .noDecoder(pretrained.configurationFile.path, modelType: architecture.modelType)
        }
        let source = ParameterSource(weights, spellings: architecture.spellings, random: random)
        return try loading { () throws(CheckpointError) in
            try VectorDecoder(sharing: encoder, vectorSize: size, source)
        }
    }

    /// The ids of a text, and the word that each belongs to: the tokenizer's words, divided where there are blanks; -1 for
    /// special tokens and for the prompt.
    public func tokensWithWords(_ text: String) -> SentenceTokens {
        let encoding = tokenizer.encode(prompt + text, truncation: Truncation(maxLength: maxLength))
        // Where a tokenizer adds no special tokens, an empty text stands as one token.
        if encoding.ids.isEmpty { return SentenceTokens(ids: ids(text), isCut: false, words: [-1]) }
        return SentenceTokens(
            ids: encoding.ids, isCut: !encoding.overflowing.isEmpty, words: words(prompt + text, encoding))
    }

    private func words(_ text: String, _ encoding: Encoding) -> [Int32] {
        let scalars = Array(text.unicodeScalars)
        let promptEnd = prompt.unicodeScalars.count
        var words: [Int32] = []
        var (word, last) = (Int32(-1), Int?.none)
        for (index, number) in encoding.wordIDs.enumerated() {
            let place = encoding.offsets[index]
            guard number != nil, place.lowerBound >= promptEnd else {
                words.append(-1)
                continue
            }
            let isSame =
                last.map { last in
                    let before = encoding.offsets[last]
                    // A token that is nothing but the blank before a word belongs to the word.
                    let isBlank = scalars[before].allSatisfy(\.properties.isWhitespace)
                    let end = isBlank ? before.upperBound : max(0, before.upperBound - 1)
                    let between = min(end, place.lowerBound)..<min(place.lowerBound + 1, scalars.count)
                    return encoding.wordIDs[last] == number
                        && !scalars[between].contains(where: \.properties.isWhitespace)
                } ?? false
            if !isSame { word += 1 }
            words.append(word)
            last = index
        }
        return words
    }
}
