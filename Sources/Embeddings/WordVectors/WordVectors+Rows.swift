import Tensors

/// The rows that a word's vector is the mean of.
extension WordVectors {
    /// The row that a word has for itself: the mean of it and the rows of all buckets of the word's n-grams, zeros for
    /// those that have none, is the word's vector.
    func ownRow(_ row: Int) -> [Float] {
        let buckets = buckets(ofWord: row)
        // A fastText model has that row, unless it was pruned, or is so old that the end of a line has n-grams.
        if let model = fastText, model.rows(ofWord: row).count == 1 + buckets.count {
            var values = [Float](repeating: 0, count: dimension)
            model.input.add([Int32(row)], to: &values)
            return values
        }
        var values = fastText?.vector(ofWord: row) ?? rows.row(row)
        guard let subwords, !buckets.isEmpty else { return values }
        var sum = [Float](repeating: 0, count: dimension)
        subwords.rows.add(buckets.compactMap(subwords.row), to: &sum)
        for i in values.indices { values[i] = values[i] * Float(1 + buckets.count) - sum[i] }
        return values
    }

    /// The buckets of a word's n-grams.
    func buckets(ofWord row: Int) -> [Int32] {
        guard let subwords else { return [] }
        return unsafe words.text.withBytes(words.bytes(row)) { bytes in
            unsafe bytes.elementsEqual(FastTextModel.endOfLine.utf8) ? [] : subwords.hashing.buckets(of: bytes)
        }
    }

    /// The row of a bucket; `nil` where the vectors have none.
    func row(ofBucket bucket: Int32) -> [Float]? {
        guard let subwords, let place = subwords.row(bucket) else { return nil }
        var values = [Float](repeating: 0, count: dimension)
        subwords.rows.add([place], to: &values)
        return values
    }
}
