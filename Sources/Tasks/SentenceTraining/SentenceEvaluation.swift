public import Embeddings
public import SystemPackage
public import Tensors

/// Examples that a sentence encoder is measured on, and how: by what the file has side by side.
public struct SentenceEvaluation: Sendable {
    let examples: SentenceExamples
    private let kind: Kind

    private enum Kind {
        case similarity, pairs, triplets, retrieval
        /// Texts with labels: those with the same label belong together.
        case labels
    }

    /// - Parameters:
    ///   - positive: the label of pairs that belong together.
    ///   - tokens: of a text.
    public init(
        _ corpus: SentenceCorpus, positive: String?, keepingTokensIn directory: FilePath,
        tokens: (String) -> SentenceTokens
    ) throws(CorpusError) {
        func read(_ columns: Int, _ labelling: SentenceExamples.Labelling) throws(CorpusError) -> SentenceExamples {
            try SentenceExamples(corpus, columns: columns, labelling, keepingTokensIn: directory, tokens: tokens)
        }
        switch corpus.textCount {
        case 1:
            guard corpus.hasLabels else {
                throw .wrongColumns(
                    corpus.file, found: "one column of texts without labels",
                    expected: "pairs, triplets, or texts with labels")
            }
            (examples, kind) = (try read(1, .classes), .labels)
        case 2 where !corpus.hasLabels: (examples, kind) = (try read(2, .none), .retrieval)
        case 2:
            var found: SentenceExamples?
            if let positive {
                // Pairs with scores have no such label.
                do throws(CorpusError) { found = try read(2, .binary(positive: positive)) } catch {
                    guard case .labelNotFound = error else { throw error }
                    do throws(CorpusError) { found = try read(2, .scores) } catch {
                        throw .labelNotFound(corpus.file, label: positive)
                    }
                }
            }
            let pairs = if let found { found } else { try read(2, .scores) }
            (examples, kind) = (pairs, pairs.isBinary ? .pairs : .similarity)
        default: (examples, kind) = (try read(3, .none), .triplets)
        }
        if let reason = whyUnmeasurable { throw .nothingToMeasure(corpus.file, reason: reason) }
    }

    private var whyUnmeasurable: String? {
        switch (kind, examples.targets) {
        case (.similarity, .scores(let scores)), (.pairs, .scores(let scores)):
            Set(scores).count < 2 ? "all pairs have the same score" : nil
        case (.labels, .classes(let classes)):
            Set(classes).count == classes.count ? "no label has two texts" : nil
        default: nil
        }
    }

    public var count: Int { examples.count }
    public var cut: Int { examples.cut }

    /// - Parameter embed: the vectors of tokenized texts.
    public func metrics(_ embed: ([[Int32]]) -> Tensor) -> SentenceMetrics {
        let columns = (0..<examples.columns).map { embed(examples.ids(ofColumn: $0)) }
        switch (kind, examples.targets) {
        case (.similarity, .scores(let scores)):
            return .similarity(SimilarityMetrics(columns[0], columns[1], scores: scores))
        case (.pairs, .scores(let scores)):
            return .pairs(PairMetrics(columns[0], columns[1], labels: scores.map { $0 == 1 }))
        case (.triplets, _):
            return .triplets(TripletMetrics(anchors: columns[0], positives: columns[1], negatives: columns[2]))
        case (.labels, .classes(let classes)): return .retrieval(ofLabels(classes, columns[0]))
        case (.retrieval, _): return .retrieval(ofPairs(columns[0], columns[1]))
        default: preconditionFailure("examples of another kind")
        }
    }

    /// Texts that come several times are one query, or one document.
    private func ofPairs(_ queries: Tensor, _ documents: Tensor) -> RetrievalMetrics {
        let (left, right) = (examples.unique(0), examples.unique(1))
        var relevant = [Set<Int>](repeating: [], count: left.examples.count)
        for (query, document) in zip(left.place, right.place) { relevant[query].insert(document) }
        return RetrievalMetrics(
            queries: queries.gather(left.examples.map { Int32($0) }),
            documents: documents.gather(right.examples.map { Int32($0) }), relevant: relevant)
    }

    private func ofLabels(_ classes: [Int], _ vectors: Tensor) -> RetrievalMetrics {
        let groups = Dictionary(grouping: classes.indices) { classes[$0] }
        // A text without another of its label finds nothing.
        let queries = classes.indices.filter { (groups[classes[$0]]?.count ?? 0) > 1 }
        return RetrievalMetrics(
            queries: vectors.gather(queries.map { Int32($0) }), documents: vectors,
            relevant: queries.map { Set(groups[classes[$0]] ?? []).subtracting([$0]) }, own: queries)
    }
}

extension SentenceExamples {
    /// Whether all scores are 0 or 1.
    fileprivate var isBinary: Bool {
        if case .scores(let scores) = targets { scores.allSatisfy { $0 == 0 || $0 == 1 } } else { false }
    }
}
