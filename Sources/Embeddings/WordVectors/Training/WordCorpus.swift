import Checkpoints
public import SystemPackage
import Tensors

/// A text as numbers of words, most frequent words first, of words of the same frequency the one that comes first.
///
/// Words are what stands between blanks; the end of a line is a word of its own, `</s>`, as in fastText.
public struct WordCorpus: Sendable {
    /// The words in their order.
    let words: [[UInt8]]
    let counts: [Int64]
    /// The text; rare words are left out.
    let text: [Int32]
    /// The word that ends a line; `nil` where it is rare.
    let endOfLine: Int32?

    /// Words in the text with rare ones.
    public let tokens: Int
    public var vocabularySize: Int { words.count }

    public init(_ path: FilePath, minCount: Int) throws(WordVectorsError) {
        let file = try readingVectors { () throws(CheckpointError) in try MappedFile(path) }
        var builder = WordTableBuilder(capacity: 1 << 16)
        var (text, counts): ([Int32], [Int64]) = ([], [])
        text.reserveCapacity(file.count / 5)
        let end = Array(FastTextModel.endOfLine.utf8)
        let hasRoom: Bool = unsafe file.withUnsafeBytes { bytes in
            func add(_ word: UnsafeRawBufferPointer) -> Bool {
                guard let (row, isNew) = unsafe builder.find(orAdd: word), row < Int(Int32.max) else { return false }
                if isNew { counts.append(0) }
                counts[row] += 1
                text.append(Int32(row))
                return true
            }
            var start = 0
            for i in 0...bytes.count {
                let byte = i < bytes.count ? unsafe bytes[i] : 0x20
                guard byte == 0x20 || 0x09...0x0D ~= byte || byte == 0 else { continue }
                if i > start, unsafe !add(UnsafeRawBufferPointer(rebasing: bytes[start..<i])) { return false }
                if byte == 0x0A, i < bytes.count, unsafe !end.withUnsafeBytes({ unsafe add($0) }) { return false }
                start = i + 1
            }
            return true
        }
        guard hasRoom else { throw .tooManyWords(path) }
        let kept = counts.indices.filter { counts[$0] >= minCount }
            .sorted { (counts[$0], $1) > (counts[$1], $0) }
        guard !kept.isEmpty else {
            throw .lacks(path, "no word stands in it \(minCount.counted("time")); use --min-count, or a longer text")
        }
        var places = [Int32](repeating: -1, count: counts.count)
        for (place, row) in kept.enumerated() { places[row] = Int32(place) }
        words = kept.map { Array(builder.text[builder.bytes($0)]) }
        self.counts = kept.map { counts[$0] }
        tokens = text.count
        self.text = text.compactMap { places[Int($0)] >= 0 ? places[Int($0)] : nil }
        endOfLine = words.firstIndex(of: end).map(Int32.init)
    }

    /// Pieces of the text: whole lines, or parts of those that are longer than `limit`.
    func lines(limit: Int) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = 0
        for (i, word) in text.enumerated() where word == endOfLine || i + 1 - start == limit {
            lines.append(start..<i + 1)
            start = i + 1
        }
        if start < text.count { lines.append(start..<text.count) }
        return lines
    }
}
