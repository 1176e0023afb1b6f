public import SystemPackage
import Tensors

extension WordVectorTraining {
    /// Writes what was learned: as fastText's `.bin`, or the words' vectors in any other format.
    ///
    /// - Throws: `notFinite` where training has diverged.
    public func write(_ format: WordVectors.OutputFormat, to path: FilePath) throws(WordVectorsError) {
        let vectors = try vectors(path)
        guard format == .fastText else { return try vectors.write(format, to: path) }
        try vectors.checkFinite()
        try writeFastText(to: path)
    }

    /// Rows of n-grams that no word of the text has are zeros.
    private func writeFastText(to path: FilePath) throws(WordVectorsError) {
        var hashing = configuration.hashing
        if hashing.maxLength == 0 { hashing.buckets = 0 }
        let writer = FastTextWriter(
            settings: FastTextWriter.Settings(
                kind: configuration.model == .cbow ? .cbow : .skipgram, loss: .negativeSampling,
                dimension: configuration.dimension, window: configuration.window, epochs: configuration.epochs,
                minCount: configuration.minCount, negatives: configuration.negatives, hashing: hashing,
                subsampling: configuration.subsampling),
            words: zip(corpus.words, corpus.counts).map { ($0, $1) }, labels: [], tokens: corpus.tokens)
        var place = 0
        try writer.write(to: path) { range in
            range.flatMap { row -> [Float] in
                if row < corpus.words.count { return trainer.input.row(row) }
                guard place < buckets.count, Int(buckets[place]) == row - corpus.words.count else {
                    return [Float](repeating: 0, count: configuration.dimension)
                }
                place += 1
                return trainer.input.row(corpus.words.count + place - 1)
            }
        } output: { range in
            range.flatMap(trainer.output.row)
        }
    }

    private func vectors(_ path: FilePath) throws(WordVectorsError) -> WordVectors {
        var builder = WordTableBuilder(capacity: corpus.words.count)
        for word in corpus.words {
            guard unsafe word.withUnsafeBytes({ unsafe builder.add($0) }) != nil else { throw .tooManyWords(path) }
        }
        let (input, size) = (trainer.input, configuration.dimension)
        let table = StoredRows(Tensor([input.rows, size], (0..<input.rows).flatMap(input.row)))
        let matrix = FastTextMatrix.dense(table)
        let means = StoredRows(
            Tensor([rows.count, size], parallelMap(rows.count) { matrix.mean(rows[$0]) }.flatMap { $0 }))
        let subwords = SubwordTable(
            hashing: configuration.hashing, rows: matrix, firstRow: corpus.words.count,
            kept: buckets.enumerated().map { ($0.element, Int32($0.offset)) })
        return WordVectors(
            path, words: builder.table, rows: means, counts: corpus.counts.map { UInt64($0) },
            subwords: buckets.isEmpty ? nil : subwords)
    }
}
