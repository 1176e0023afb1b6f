import Tensors

extension FineTuning {
    /// Tokenized texts and what the head is to say of them.
    public struct Examples: Sendable {
        public let texts: TokenizedTexts
        public let targets: Targets

        public init(texts: TokenizedTexts, targets: Targets) {
            precondition(texts.count == targets.count, "\(texts.count) texts, \(targets.count) targets")
            self.texts = texts
            self.targets = targets
        }

        /// The examples as an epoch sees them: augmented anew, where they are augmented.
        public func inEpoch(_ epoch: Int) -> Examples { Examples(texts: texts.inEpoch(epoch), targets: targets) }

        /// Some of the examples, in the order of the indices; their texts are not copied.
        public func selecting(_ indices: some Collection<Int>) -> Examples {
            Examples(texts: texts.selecting(indices), targets: targets.gather(indices))
        }
    }
}

extension FineTuning.Examples {
    /// A share of the examples, chosen at random.
    public func part(_ share: Double, seed: UInt64) -> FineTuning.Examples {
        if share >= 1 { return self }
        let count = max(1, Int(share * Double(texts.count)))
        let rows = RandomSource(seed: seed).permutation(of: texts.count).prefix(count).sorted()
        return selecting(rows)
    }

    /// Tokenizes labelled texts as the classifier reads them.
    public init(_ examples: LabelledExamples, _ targets: Targets, _ classifier: SequenceClassifier) {
        let texts = parallelMap(examples.examples.count) { index in
            let example = examples.examples[index]
            return TokenizedText(
                example.text, pair: example.pair, classifier.tokenizer, maxLength: classifier.maxLength)
        }
        self.init(texts: TokenizedTexts(texts), targets: targets)
    }
}
