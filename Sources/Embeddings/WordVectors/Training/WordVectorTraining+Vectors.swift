public import SystemPackage
import Tensors

extension WordVectorTraining {
    /// Writes what was learned: as fastText's `.bin`, or the words' vectors in any other format.
    ///
    /// - Throws: `notFinite` where training has diverged.
    public func write(_ format: TrainedFormat, to path: FilePath) throws(WordVectorsError) {
        let vectors = try vectors(path)
        try vectors.checkFinite()
        switch format {
        case .fastText: try writeFastText(to: path)
        case .graft: try vectors.write(.graft, to: path)
        case .word2vec: try vectors.write(.word2vec, to: path)
        case .word2vecBinary: try vectors.write(.word2vecBinary, to: path)
        case .glove: try vectors.write(.glove, to: path)
        }
    }

    public enum TrainedFormat: String, Sendable, CaseIterable {
        case graft
        case fastText = "fasttext"
        case word2vec
        case word2vecBinary = "word2vec-binary"
        case glove
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
