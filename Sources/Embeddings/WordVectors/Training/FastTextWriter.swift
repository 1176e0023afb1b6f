import Checkpoints
import SystemPackage
import Tensors

/// Writes a trained model as fastText reads it. Rows of n-grams that no word of the text has are zeros.
///
/// Source: fastText 0.9.2, `FastText::saveModel`, `Args::save`, `Dictionary::save`.
enum FastTextWriter {
    static func write(_ training: WordVectorTraining, to path: FilePath) throws(WordVectorsError) {
        let (settings, corpus) = (training.configuration, training.corpus)
        let buckets = settings.hashing.maxLength > 0 ? settings.hashing.buckets : 0
        var head: [UInt8] = []
        func append(_ values: some Sequence<Int>) { for value in values { head += littleEndianBytes(Int32(value)) } }
        append([Int(FastTextModel.magic), FastTextModel.version, settings.dimension, settings.window, settings.epochs])
        append([settings.minCount, settings.negatives, 1, Int(FastTextModel.Loss.negativeSampling.rawValue)])
        let kind = settings.model == .cbow ? FastTextModel.Kind.cbow : .skipgram
        append([Int(kind.rawValue), buckets, settings.hashing.minLength, settings.hashing.maxLength, 100])
        head += littleEndianBytes(settings.subsampling.bitPattern)
        append([corpus.words.count, corpus.words.count, 0])
        head += littleEndianBytes(Int64(corpus.tokens)) + littleEndianBytes(Int64(-1))
        for (word, count) in zip(corpus.words, corpus.counts) { head += word + [0] + littleEndianBytes(count) + [0] }

        let input = training.trainer.input
        let output = training.trainer.output
        try readingVectors { () throws(CheckpointError) in
            let file = try AtomicFile(path)
            try file.write(head + [0])
            func beginMatrix(_ rows: Int) throws(CheckpointError) {
                try file.write(littleEndianBytes(Int64(rows)) + littleEndianBytes(Int64(settings.dimension)))
            }
            try beginMatrix(corpus.words.count + buckets)
            for row in 0..<corpus.words.count { try file.write(input.row(row)) }
            let zeros = [Float](repeating: 0, count: 4096 * settings.dimension)
            var next = 0
            for (place, bucket) in training.buckets.enumerated() {
                try writeZeros(Int(bucket) - next)
                try file.write(input.row(corpus.words.count + place))
                next = Int(bucket) + 1
            }
            try writeZeros(buckets - next)
            try file.write([UInt8]([0]))
            try beginMatrix(corpus.words.count)
            for row in 0..<corpus.words.count { try file.write(output.row(row)) }
            try file.commit()

            func writeZeros(_ rows: Int) throws(CheckpointError) {
                for start in stride(from: 0, to: rows, by: 4096) {
                    try file.write(Array(zeros[..<(min(4096, rows - start) * settings.dimension)]))
                }
            }
        }
    }
}
