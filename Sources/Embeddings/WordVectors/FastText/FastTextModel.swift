import Checkpoints
import SystemPackage
import Tensors

/// A model as fastText writes it, `.bin` or `.ftz`: settings, words with their counts, labels and two matrices.
///
/// Source: fastText 0.9.2, `FastText::saveModel`, `Args::save`, `Dictionary::save`.
struct FastTextModel: Sendable {
    enum Kind: Int32, Sendable { case cbow = 1, skipgram, supervised }
    enum Loss: Int32, Sendable { case hierarchicalSoftmax = 1, negativeSampling, softmax, oneVersusAll }

    let kind: Kind
    let loss: Loss
    let wordNgrams: Int
    let words: WordTable
    /// How often each word stood in the corpus.
    let counts: [Int64]
    let labels: [String]
    let labelCounts: [Int64]
    let input: FastTextMatrix
    let output: FastTextMatrix
    let subwords: SubwordTable

    /// Whether the end of a line has n-grams as other words have: in the first models.
    private let endHasSubwords: Bool

    static let magic: Int32 = 793_712_314
    static let version = 12
    /// The word that ends a line.
    static let endOfLine = "</s>"

    init(_ file: MappedFile) throws(WordVectorsError) {
        var reader = FastTextReader(file)
        // The first models begin with their settings, and know no quantization.
        let isNumbered = file.integer(at: 0) == Self.magic
        endHasSubwords = !isNumbered
        var version = 0
        if isNumbered {
            _ = try reader.integer(Int32.self)
            version = Int(try reader.integer(Int32.self))
            guard (11...Self.version).contains(version) else {
                throw .unsupportedVersion(file.path, found: version, supported: "11, 12 and those without a number")
            }
        }
        let dimension = try reader.count(Int32.self, "dim", in: 1...(1 << 20))
        for _ in 0..<4 { _ = try reader.integer(Int32.self) }  // ws, epoch, minCount, neg
        wordNgrams = try reader.count(Int32.self, "wordNgrams", in: 0...1000)
        loss = try Self.value(&reader, "loss")
        kind = try Self.value(&reader, "model")
        let buckets = try reader.count(Int32.self, "bucket", in: 0...Int(Int32.max))
        let minLength = try reader.count(Int32.self, "minn", in: 0...1000)
        var maxLength = try reader.count(Int32.self, "maxn", in: 0...1000)
        if version < 12, kind == .supervised { maxLength = 0 }
        _ = try reader.integer(Int32.self)  // lrUpdateRate
        _ = try reader.integer(UInt64.self)  // t

        let entries = try reader.count(Int32.self, "the number of words", in: 0...file.count)
        let wordCount = try reader.count(Int32.self, "the number of words", in: 0...entries)
        _ = try reader.count(Int32.self, "the number of labels", in: (entries - wordCount)...(entries - wordCount))
        _ = try reader.integer(Int64.self)  // tokens
        let pruned = isNumbered ? try reader.integer(Int64.self) : -1
        guard wordCount > 0 else { throw .noWords(file.path) }
        (words, counts, labels, labelCounts) = try Self.entries(&reader, words: wordCount, labels: entries - wordCount)

        var kept: [(bucket: Int32, row: Int32)]?
        if pruned >= 0 {
            guard pruned <= file.count / 8 else { throw .header(file.path, "\(pruned) n-grams are kept") }
            var pairs: [(bucket: Int32, row: Int32)] = []
            for _ in 0..<pruned { pairs.append((try reader.integer(Int32.self), try reader.integer(Int32.self))) }
            kept = pairs.sorted { $0.bucket < $1.bucket }
        }
        let isQuantized = isNumbered ? try reader.flag("the mark of a quantized matrix") : false
        input = try reader.matrix(isQuantized: isQuantized)
        let isOutputQuantized = isNumbered ? try reader.flag("the mark of a quantized output matrix") : false
        output = try reader.matrix(isQuantized: isQuantized && isOutputQuantized)
        guard reader.offset == file.count else {
            throw .header(file.path, "\(file.count - reader.offset) bytes remain behind its matrices")
        }
        guard input.columns == dimension, output.columns == dimension || output.count == 0 else {
            throw .header(file.path, "matrices of \(input.columns) columns for \(dimension) numbers")
        }
        let rows = wordCount + (kept?.count ?? buckets)
        guard input.count == rows else {
            throw .header(file.path, "\(input.count) rows for \(wordCount) words and \(rows - wordCount) n-grams")
        }
        if let row = kept?.first(where: { !(0..<Int32(rows - wordCount)).contains($0.row) })?.row {
            throw .header(file.path, "an n-gram's row is \(row)")
        }
        subwords = SubwordTable(
            hashing: SubwordHashing(minLength: minLength, maxLength: maxLength, buckets: buckets), rows: input,
            firstRow: wordCount, kept: kept)
    }

    /// Whether a file begins as a model does: with the magic number, or in one from before 2017 with plausible settings.
    static func isModel(_ file: MappedFile) -> Bool {
        guard file.count >= 8 else { return false }
        if file.integer(at: 0) == magic { return true }
        guard file.count >= 56 else { return false }
        let settings: [Int32] = (0..<12).map { file.integer(at: 4 * $0) }  // dim, ws, epoch, ..., loss, model, ...
        return 1...10_000 ~= settings[0] && 1...1000 ~= settings[1] && 1...4 ~= settings[6] && 1...3 ~= settings[7]
            && settings.allSatisfy { $0 >= 0 }
    }

    /// The rows of a word of the model: its own and its n-grams'.
    func rows(ofWord row: Int) -> [Int32] {
        let bytes = words.utf8(row)
        return [Int32(row)]
            + (!endHasSubwords && bytes.elementsEqual(Self.endOfLine.utf8) ? [] : subwords.rows(of: bytes))
    }

    func vector(ofWord row: Int) -> [Float] { input.mean(rows(ofWord: row)) }

    private static func value<Value: RawRepresentable<Int32>>(
        _ reader: inout FastTextReader, _ what: String
    ) throws(WordVectorsError) -> Value {
        let number = try reader.integer(Int32.self)
        guard let value = Value(rawValue: number) else { throw .header(reader.file.path, "\(what) is \(number)") }
        return value
    }

    private typealias Entries = (words: WordTable, counts: [Int64], labels: [String], labelCounts: [Int64])

    private static func entries(
        _ reader: inout FastTextReader, words: Int, labels: Int
    ) throws(WordVectorsError) -> Entries {
        let file = reader.file
        var builder = WordTableBuilder(capacity: words)
        var result: (counts: [Int64], labels: [String], labelCounts: [Int64]) = ([], [], [])
        for entry in 0..<words + labels {
            let range = try reader.word()
            let count = try reader.integer(Int64.self)
            let isLabel = try reader.flag("the type of a word")
            guard isLabel == (entry >= words) else { throw .header(file.path, "labels and words are mixed") }
            if isLabel {
                result.labels.append(String(decoding: file.bytes(range), as: UTF8.self))
                result.labelCounts.append(count)
            } else {
                let isNew = unsafe file.withUnsafeBytes {
                    unsafe builder.add(UnsafeRawBufferPointer(rebasing: $0[range]), keepsDuplicates: true)
                }
                if isNew == nil { throw .tooManyWords(file.path) }
                result.counts.append(count)
            }
        }
        return (builder.table, result.counts, result.labels, result.labelCounts)
    }
}
