extension FastTextModel {
    /// The input rows of a line of a supervised model: of its words with their n-grams, its end, and of runs of words.
    ///
    /// Source: fastText 0.9.2, `Dictionary::getLine` and `Dictionary::addWordNgrams`.
    func rows(ofLine text: String) -> [Int32] { rows(ofWords: text.splitAtBlanks) }

    func rows(ofWords line: [String]) -> [Int32] {
        var rows: [Int32] = []
        var hashes = WordHashes()
        for word in line + [Self.endOfLine] {
            let row = words.row(of: word)
            // A label says nothing about the text.
            if row == nil, word.hasPrefix(Self.labelPrefix) { continue }
            if let row {
                rows += subwords.hashing.maxLength > 0 ? self.rows(ofWord: row) : [Int32(row)]
            } else if word != Self.endOfLine {
                rows += subwords.rows(of: word.utf8)
            }
            hashes.append(word)
            if word == Self.endOfLine { break }
        }
        guard subwords.hashing.buckets > 0 else { return rows }
        for run in hashes.runs(upTo: wordNgrams) {
            if let row = subwords.row(Int32(run % UInt64(subwords.hashing.buckets))) { rows.append(row) }
        }
        return rows
    }

    static let labelPrefix = "__label__"
}

/// The hashes of a line's words, which together give those of its runs of words.
struct WordHashes {
    private var values: [UInt64] = []

    mutating func append(_ word: String) {
        values.append(UInt64(bitPattern: Int64(Int32(bitPattern: SubwordHashing.hash(word.utf8)))))
    }

    /// The hashes of runs of two words and more; their remainders by the number of buckets are the buckets.
    func runs(upTo longest: Int) -> [UInt64] {
        guard longest > 1 else { return [] }
        var runs: [UInt64] = []
        for start in values.indices {
            var hash = values[start]
            for next in values[start...].dropFirst().prefix(longest - 1) {
                hash = hash &* 116_049_371 &+ next
                runs.append(hash)
            }
        }
        return runs
    }
}
