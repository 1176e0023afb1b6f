import Tensors

/// Which rows of a fastText model the n-grams of a word lead to.
///
/// Source: Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", §3.2; fastText 0.9.2,
/// `Dictionary::computeSubwords` and `Dictionary::hash`.
public struct SubwordHashing: Equatable, Sendable {
    /// Lengths of n-grams in code points, the brackets around the word included. 0 for none.
    public var minLength: Int
    public var maxLength: Int
    /// How many rows n-grams share.
    public var buckets: Int

    public init(minLength: Int, maxLength: Int, buckets: Int) {
        self.minLength = minLength
        self.maxLength = maxLength
        self.buckets = buckets
    }

    /// FNV-1a over 32 bits; bytes from 0x80 on count as negative, as in the published models.
    static func hash(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in bytes { hash = (hash ^ UInt32(bitPattern: Int32(Int8(bitPattern: byte)))) &* 16_777_619 }
        return hash
    }

    /// The buckets of a word's n-grams.
    ///
    /// - Parameter word: its bytes, without the brackets.
    func buckets(of word: some Sequence<UInt8>) -> [Int32] {
        guard maxLength > 0, buckets > 0 else { return [] }
        var text: [UInt8] = [UInt8(ascii: "<")]
        text.append(contentsOf: word)
        text.append(UInt8(ascii: ">"))
        var result: [Int32] = []
        for start in text.indices where text[start] & 0xC0 != 0x80 {
            var hash: UInt32 = 2_166_136_261
            var end = start
            for length in 1...maxLength where end < text.count {
                repeat {
                    hash = (hash ^ UInt32(bitPattern: Int32(Int8(bitPattern: text[end])))) &* 16_777_619
                    end += 1
                } while end < text.count && text[end] & 0xC0 == 0x80
                // A bracket alone says nothing.
                if length >= minLength, length > 1 || (start > 0 && end < text.count) {
                    result.append(Int32(hash % UInt32(buckets)))
                }
            }
        }
        return result
    }
}

/// The rows of n-grams: all of them, or those that a pruned model has kept.
struct SubwordTable: Sendable {
    let hashing: SubwordHashing
    let rows: FastTextMatrix
    /// The row of the first bucket.
    let firstRow: Int
    /// Buckets kept and the rows behind `firstRow` that they have, sorted by bucket; `nil` for all in their order.
    let kept: [(bucket: Int32, row: Int32)]?

    /// The rows of a word's n-grams.
    func rows(of word: some Sequence<UInt8>) -> [Int32] { hashing.buckets(of: word).compactMap(row) }

    /// The row of a bucket; `nil` where the model has none.
    func row(_ bucket: Int32) -> Int32? {
        guard let kept else { return Int32(firstRow) + bucket }
        var (low, high) = (0, kept.count)
        while low < high {
            let middle = (low + high) / 2
            if kept[middle].bucket < bucket { low = middle + 1 } else { high = middle }
        }
        return low < kept.count && kept[low].bucket == bucket ? Int32(firstRow) + kept[low].row : nil
    }

    /// The mean of the n-grams' rows, or `nil` for a word without any.
    func vector(of word: String) -> [Float]? {
        let places = rows(of: word.utf8)
        return places.isEmpty ? nil : rows.mean(places)
    }
}
