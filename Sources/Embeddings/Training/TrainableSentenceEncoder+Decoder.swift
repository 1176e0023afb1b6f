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

    /// The word that each of a text's ids belongs to, counted from 0: the tokenizer's words, divided where there are blanks.
    /// -1 for special tokens and for the prompt.
    public func words(_ text: String) -> [Int32] {
        let encoding = tokenizer.encode(prompt + text, truncation: Truncation(maxLength: maxLength))
        let scalars = Array((prompt + text).unicodeScalars)
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
                    let between = max(0, encoding.offsets[last].upperBound - 1)
                    return encoding.wordIDs[last] == number
                        && !scalars[min(between, place.lowerBound)..<min(place.lowerBound + 1, scalars.count)].contains
                        {
                            $0.properties.isWhitespace
                        }
                } ?? false
            if !isSame { word += 1 }
            words.append(word)
            last = index
        }
        // Where a tokenizer adds no special tokens, an empty text stands as one token.
        return words.isEmpty ? [-1] : words
    }
}
