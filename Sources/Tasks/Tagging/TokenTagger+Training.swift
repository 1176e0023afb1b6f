import Embeddings
public import Tensors
import Tokenizers
public import Transformer

extension TokenTagger: TrainableModel {
    public var encoder: TransformerEncoder { pretrained.encoder }

    /// - Returns: `[tokens, hiddenSize]`
    public func encode(
        _ batch: TokenBatch, training random: RandomSource?
    ) -> (features: Tensor, saved: SavedFeatures) {
        let (hidden, saved) = encoder.forward(batch, training: random)
        return (hidden, SavedFeatures(encoder: saved, sequences: batch.sequences))
    }

    public func backward(features gradient: Tensor, _ saved: SavedFeatures) {
        encoder.backward(gradient, saved.encoder)
    }

    /// The hidden states of the labelled tokens, `[labelled tokens, hiddenSize]`.
    public func features(_ examples: FineTuning.Examples, shouldStop: () -> Bool) -> Tensor? {
        labelledRows(examples, columns: encoder.architecture.hiddenSize, shouldStop: shouldStop) { $0 }
    }

    public func evaluate(_ examples: FineTuning.Examples, features: Tensor?) -> EvaluationMetrics {
        let tags = examples.targets.tags.map { $0.filter { $0 >= 0 } }
        let logits =
            features.map { head.forward($0).logits }
            ?? labelledRows(examples, columns: labels.count) { head.forward($0).logits }
        guard let logits else { preconditionFailure("nobody stopped it") }
        var row = 0
        let predictions = tags.map { given in
            defer { row += given.count }
            return (row..<row + given.count).map { labels[logits.bestColumn(ofRow: $0)] }
        }
        let loss = row == 0 ? nil : examples.targets.ofRows.loss(logits).loss
        return .entities(
            EntityMetrics(targets: tags.map { $0.map { labels[$0] } }, predictions: predictions, loss: loss))
    }

    /// What is computed of the hidden states, of the labelled tokens alone.
    ///
    /// - Parameter compute: `[tokens, hiddenSize]` to `[tokens, columns]`.
    private func labelledRows(
        _ examples: FineTuning.Examples, columns: Int, shouldStop: () -> Bool = { false }, _ compute: (Tensor) -> Tensor
    ) -> Tensor? {
        let (plan, tags) = (frozenEncoder, examples.targets.tags)
        let values = LengthSortedBatches(examples.texts.lengths).mapEach { batch in
            if shouldStop() { return [[Float]](repeating: [], count: batch.count) }
            let tokens = TokenBatch(batch.map { examples.texts[$0] })
            let hidden = plan.encode(tokens)
            return zip(batch, tokens.sequences).map { text, sequence in
                let rows = tags[text].indices.filter { tags[text][$0] >= 0 }
                return compute(hidden.gather(rows.map { Int32(sequence.lowerBound + $0) })).values
            }
        }.flatMap { $0 }
        return shouldStop() ? nil : Tensor([values.count / columns, columns], values)
    }

    /// Packs all matrices for a training step.
    public func pack() {
        plan = nil
        encoder.pack()
        head.pack()
    }

    /// Lays the weights out for inference as they are now, until they change.
    public func freeze(_ precision: Precision) {
        plan = nil
        encoder.unpack()
        plan = InferencePlan(encoder, precision: precision)
        head.pack()
    }
}

extension TokenTagger {
    /// Tokenizes sentences, joined by blanks as `tag` will read them; a word's first token has its tag, all others none.
    /// Sentences without any token to label are left out.
    ///
    /// Source: Devlin et al. 2019, "BERT", §5.3.
    ///
    /// - Returns: the examples, and how many sentences were cut.
    /// - Throws: `CorpusError.unknownLabel`, and `noExamples` where nothing is left.
    public func examples(_ data: TaggedSentences) throws(CorpusError) -> (examples: FineTuning.Examples, cut: Int) {
        try data.check(labels)
        let places = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        let tokenized = parallelMap(data.count) { index in
            let sentence = data.sentences[index]
            let text = sentence.words.joined(separator: " ")
            var encoding = tokenizer.encode(text)
            let isCut = encoding.count > maxLength
            if isCut { encoding = tokenizer.encode(text, truncation: Truncation(maxLength: maxLength)) }
            let tags = Self.firstTokens(encoding, of: sentence.words).map { word in
                word.flatMap { places[sentence.tags[$0]] } ?? -1
            }
            return (text: TokenizedText(ids: encoding.ids, typeIDs: encoding.typeIDs), tags: tags, isCut: isCut)
        }
        let usable = tokenized.filter { $0.tags.contains { $0 >= 0 } }
        if usable.isEmpty { throw .noExamples(data.file) }
        let examples = FineTuning.Examples(
            texts: TokenizedTexts(usable.map(\.text)), targets: .tags(usable.map(\.tags)))
        return (examples, tokenized.count { $0.isCut })
    }

    /// For each token the word that it is the first of.
    ///
    /// - Parameter encoding: of the words with a blank between them.
    static func firstTokens(_ encoding: Encoding, of words: [String]) -> [Int?] {
        var firsts = [Int?](repeating: nil, count: encoding.count)
        var (word, start, last) = (0, 0, -1)
        for token in encoding.ids.indices
        where encoding.specialTokensMask[token] == 0 && !encoding.offsets[token].isEmpty {
            // Of a token that begins with the blank before its word, the end tells the word.
            let place = encoding.offsets[token].upperBound - 1
            while word < words.count, start + words[word].unicodeScalars.count <= place {
                start += words[word].unicodeScalars.count + 1
                word += 1
            }
            guard word < words.count, place >= start, word > last else { continue }
            firsts[token] = word
            last = word
        }
        return firsts
    }
}
