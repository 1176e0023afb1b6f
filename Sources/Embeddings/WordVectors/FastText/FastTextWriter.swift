import Checkpoints
import SystemPackage
import Tensors

/// Writes a model as fastText reads it.
///
/// Source: fastText 0.9.2, `FastText::saveModel`, `Args::save`, `Dictionary::save`.
struct FastTextWriter {
    /// fastText's `Args`; those that say nothing about the use of a model are its defaults.
    struct Settings {
        var kind: FastTextModel.Kind
        var loss: FastTextModel.Loss
        var dimension: Int
        var window = 5
        var epochs = 5
        var minCount = 1
        var negatives = 5
        var wordNgrams = 1
        var hashing: SubwordHashing
        var subsampling = 1e-4
    }

    /// A word or a label, and how often it stood in the text.
    typealias Entry = (text: [UInt8], count: Int64)

    let settings: Settings
    let words: [Entry]
    let labels: [Entry]
    /// Words of the text.
    let tokens: Int

    private static let rowsPerPart = 4096

    /// - Parameters:
    ///   - input: some of the rows of words and, behind them, of buckets.
    ///   - output: some of the rows of labels; without labels, of words.
    func write(
        to path: FilePath, input: (Range<Int>) -> [Float], output: (Range<Int>) -> [Float]
    ) throws(WordVectorsError) {
        try readingVectors { () throws(CheckpointError) in
            let file = try AtomicFile(path)
            try file.write(head)
            func writeMatrix(_ rows: Int, _ values: (Range<Int>) -> [Float]) throws(CheckpointError) {
                try file.write([UInt8]([0]))  // not quantized
                try file.write(littleEndianBytes(Int64(rows)) + littleEndianBytes(Int64(settings.dimension)))
                for start in stride(from: 0, to: rows, by: Self.rowsPerPart) {
                    try file.write(values(start..<min(rows, start + Self.rowsPerPart)))
                }
            }
            try writeMatrix(words.count + settings.hashing.buckets, input)
            try writeMatrix(labels.isEmpty ? words.count : labels.count, output)
            try file.commit()
        }
    }

    private var head: [UInt8] {
        var head: [UInt8] = []
        func append(_ values: some Sequence<Int>) { for value in values { head += littleEndianBytes(Int32(value)) } }
        append([Int(FastTextModel.magic), FastTextModel.version, settings.dimension, settings.window, settings.epochs])
        append([settings.minCount, settings.negatives, settings.wordNgrams])
        append([Int(settings.loss.rawValue), Int(settings.kind.rawValue), settings.hashing.buckets])
        append([settings.hashing.minLength, settings.hashing.maxLength, 100])
        head += littleEndianBytes(settings.subsampling.bitPattern)
        append([words.count + labels.count, words.count, labels.count])
        head += littleEndianBytes(Int64(tokens)) + littleEndianBytes(Int64(-1))  // no pruned n-grams
        for (entries, isLabel) in [(words, UInt8(0)), (labels, 1)] {
            for entry in entries {
                head += entry.text
                head.append(0)
                head += littleEndianBytes(entry.count)
                head.append(isLabel)
            }
        }
        return head
    }
}
