import Tensors

/// The rows that a word's vector is the mean of.
extension WordVectors {
    /// The row that a word has for itself.
    func ownRow(_ row: Int) -> [Float] {
        if let model = fastText {
            var values = [Float](repeating: 0, count: dimension)
            model.input.add([Int32(row)], to: &values)
            return values
        }
        var values = rows.row(row)
        // Our own format keeps the mean.
        guard let subwords, case let others = buckets(ofWord: row).compactMap(subwords.row), !others.isEmpty else {
            return values
        }
        var sum = [Float](repeating: 0, count: dimension)
        subwords.rows.add(others, to: &sum)
        for i in values.indices { values[i] = values[i] * Float(1 + others.count) - sum[i] }
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
