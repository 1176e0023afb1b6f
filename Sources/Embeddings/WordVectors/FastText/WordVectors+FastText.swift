import SystemPackage
import Tensors

extension WordVectors {
    /// Writes a skip-gram model of fastText's that gives every word its vector, and takes the rows of n-grams along.
    ///
    /// In a matrix of plain numbers every n-gram has a row: those that a pruned model lacks are zeros, so that the
    /// vector of an unknown word, whose n-grams they are among, keeps its direction and is shorter. The output matrix,
    /// which training alone reads, is zeros.
    ///
    /// - Throws: `unwritableWord` for a word with a zero byte, which ends words.
    func writeFastText(to output: FilePath) throws(WordVectorsError) {
        if let row = (0..<count).first(where: words.hasZeroByte) { throw .unwritableWord(path, word: words[row]) }
        let entries = (0..<count).map { row in
            (text: words.utf8(row), count: Int64(clamping: counts?.load(UInt64.self, at: 8 * row) ?? 1))
        }
        let writer = FastTextWriter(
            settings: FastTextWriter.Settings(
                kind: .skipgram, loss: .negativeSampling, dimension: dimension,
                hashing: subwords?.hashing ?? SubwordHashing(minLength: 0, maxLength: 0, buckets: 0)),
            words: entries, labels: [], tokens: Int(entries.reduce(0) { $0 &+ $1.count }))
        let zeros = [Float](repeating: 0, count: dimension)
        try writer.write(to: output) { range in
            parallelMap(range.count) { place in
                let row = range.lowerBound + place
                return row < count ? ownRow(row) : self.row(ofBucket: Int32(row - count)) ?? zeros
            }.flatMap { $0 }
        } output: { range in
            [Float](repeating: 0, count: range.count * dimension)
        }
    }
}
