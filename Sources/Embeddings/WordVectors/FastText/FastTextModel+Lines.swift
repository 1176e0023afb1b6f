extension FastTextModel {
    /// The input rows of a line of a supervised model: of its words with their n-grams, its end, and of runs of words.
    ///
    /// Source: fastText 0.9.2, `Dictionary::getLine` and `Dictionary::addWordNgrams`.
    func rows(ofLine text: String) -> [Int32] {
        var rows: [Int32] = []
        var hashes: [UInt64] = []
        let tokens = text.splitAtBlanks + [Self.endOfLine]
        for token in tokens {
            let row = words.row(of: token)
            // A label says nothing about the text.
            if row == nil, token.hasPrefix(Self.labelPrefix) { continue }
            if let row {
                rows += subwords.hashing.maxLength > 0 ? self.rows(ofWord: row) : [Int32(row)]
            } else if token != Self.endOfLine {
                rows += subwords.rows(of: token.utf8)
            }
            hashes.append(UInt64(bitPattern: Int64(Int32(bitPattern: SubwordHashing.hash(token.utf8)))))
            if token == Self.endOfLine { break }
        }
        guard subwords.hashing.buckets > 0, wordNgrams > 1 else { return rows }
        for start in hashes.indices {
            var hash = hashes[start]
            for next in hashes[start...].dropFirst().prefix(wordNgrams - 1) {
                hash = hash &* 116_049_371 &+ next
                if let row = subwords.row(Int32(hash % UInt64(subwords.hashing.buckets))) { rows.append(row) }
            }
        }
        return rows
    }

    static let labelPrefix = "__label__"
}
