import Tensors

/// The rows of the words, n-grams and runs of words that texts have, in a table of their own: all other rows stay as they
/// are, where they are.
struct RowPlaces {
    private let texts: WordClassifierTexts
    private let hashing: SubwordHashing
    /// The place of each word's row, -1 where no text has it.
    private(set) var words: [Int32]
    private(set) var buckets: [Int32]
    /// What has the row of each place: a word, or -1 - a bucket.
    private var owners: [Int32] = []

    init(_ texts: WordClassifierTexts, _ hashing: SubwordHashing) {
        self.texts = texts
        self.hashing = hashing
        words = [Int32](repeating: -1, count: texts.wordCount)
        buckets = [Int32](repeating: -1, count: hashing.buckets)
    }

    /// The places of the rows of each text.
    mutating func bags(_ lines: WordClassifierTexts.Lines) -> IndexLists {
        var bags = IndexLists()
        var bag: [Int32] = []
        var ngrams: [Int32: [Int32]] = [:]
        for text in 0..<lines.count {
            bag.removeAll(keepingCapacity: true)
            for word in lines.words(text) {
                if word >= 0 { bag.append(place(ofWord: Int(word))) }
                guard hashing.maxLength > 0 else { continue }
                let own =
                    word < 0
                    ? hashing.buckets(of: lines.unknown[Int(-1 - word)].utf8)
                    : ngrams[word] ?? texts.buckets(ofWord: Int(word))
                if word >= 0 { ngrams[word] = own }
                for bucket in own { bag.append(place(ofBucket: Int(bucket))) }
            }
            for run in lines.runs(text) where hashing.buckets > 0 {
                bag.append(place(ofBucket: Int(run % UInt64(hashing.buckets))))
            }
            bags.append(bag)
        }
        return bags
    }

    private mutating func place(ofWord word: Int) -> Int32 {
        if words[word] < 0 {
            words[word] = Int32(owners.count)
            owners.append(Int32(word))
        }
        return words[word]
    }

    private mutating func place(ofBucket bucket: Int) -> Int32 {
        if buckets[bucket] < 0 {
            buckets[bucket] = Int32(owners.count)
            owners.append(-1 - Int32(bucket))
        }
        return buckets[bucket]
    }

    /// The rows as they are before training: the vectors', random numbers for new words as in fastText, zeros for runs.
    func table(seed: UInt64) throws(WordVectorsError) -> RowTable {
        let vectors = texts.vectors
        let table = RowTable(rows: owners.count, columns: vectors.dimension)
        table.fillUniformly(limit: 1 / Float(vectors.dimension), seed: seed)
        let zeros = [Float](repeating: 0, count: vectors.dimension)
        let isFinite = parallelMap(owners.count) { place in
            let owner = owners[place]
            if owner >= Int32(vectors.count) { return true }
            let values = owner >= 0 ? vectors.ownRow(Int(owner)) : vectors.row(ofBucket: -1 - owner) ?? zeros
            table.set(place, values)
            return values.allSatisfy(\.isFinite)
        }
        if let place = isFinite.firstIndex(of: false) {
            let owner = Int(owners[place])
            throw .notFinite(vectors.path, word: owner >= 0 ? vectors.word(owner) : "n-gram \(-1 - owner)")
        }
        return table
    }
}
