import Checkpoints
import SystemPackage

/// How a file, or a folder of spaCy's, holds word vectors: told by its content, never by its name.
public enum WordVectorFormat: String, Sendable, CaseIterable {
    /// A word and its numbers a line.
    case glove
    /// The same behind a line with the number of words and of numbers; fastText's `.vec` too.
    case word2vec
    /// Words and little-endian binary32 behind such a line.
    case word2vecBinary = "word2vec-binary"
    /// fastText's `.bin` and `.ftz`.
    case fastText = "fasttext"
    /// The folder of a spaCy pipeline, or its `vocab`.
    case spaCy = "spacy"
    /// Ours.
    case graft

    public var title: String {
        switch self {
        case .glove: "GloVe text"
        case .word2vec: "word2vec text"
        case .word2vecBinary: "word2vec binary"
        case .fastText: "fastText model"
        case .spaCy: "spaCy vectors"
        case .graft: "Graft word vectors"
        }
    }

    /// The number of words and of numbers in the first line of word2vec's formats.
    struct Header {
        var words: Int
        var dimension: Int
        /// Bytes of the line with its line feed.
        var length: Int
    }

    /// Recognizes a file.
    static func recognize(_ file: MappedFile) throws(WordVectorsError) -> (WordVectorFormat, Header?) {
        let head = file.bytes(0..<min(file.count, 1 << 16))
        if head.isEmpty { throw .noWords(file.path) }
        if head.starts(with: GraftVectorsLayout.magic) { return (.graft, nil) }
        if FastTextModel.isModel(file) { return (.fastText, nil) }
        if let (found, advice) = otherKind(head) { throw .otherKind(file.path, found: found, advice: advice) }
        if let header = header(head) {
            return (isBinary(head[header.length...], header) ? .word2vecBinary : .word2vec, header)
        }
        let line = head.prefix { $0 != 0x0A }
        if isWrongHeader(line, before: head[min(line.endIndex + 1, head.endIndex)...].prefix { $0 != 0x0A }) {
            throw .header(
                file.path,
                "its first line, \"\(String(decoding: line.prefix(64), as: UTF8.self))\", is no number of words and of "
                    + "numbers in a vector")
        }
        guard isText(line), let number = TextRow.fields(line).last, TextRow.fields(line).count > 1,
            TextRow.number(number) != nil
        else {
            throw .otherKind(
                file.path, found: "neither vectors nor a header in its first line",
                advice: "Is it complete?")
        }
        return (.glove, nil)
    }

    private static func otherKind(_ head: [UInt8]) -> (found: String, advice: String)? {
        let kinds: [(magic: [UInt8], found: String, advice: String)] = [
            ([0x1F, 0x8B], "gzip", "Unpack it with gunzip first."),
            ([0x50, 0x4B, 3, 4], "a ZIP archive", "Unpack it first."),
            ([0x42, 0x5A, 0x68], "bzip2", "Unpack it first."),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz", "Unpack it first."),
            (
                [0x93] + Array("NUMPY".utf8), "a NumPy array without words",
                "Name a spaCy pipeline's folder, or write words and numbers as text."
            ),
            ([0xEF, 0xBB, 0xBF], "text with a byte order mark", "Save it as UTF-8 without one."),
            ([0x80], "a Python pickle", "In gensim, use save_word2vec_format instead of save."),
        ]
        return kinds.first { head.starts(with: $0.magic) }.map { ($0.found, $0.advice) }
    }

    private static func header(_ head: [UInt8]) -> Header? {
        guard let end = head.prefix(64).firstIndex(of: 0x0A) else { return nil }
        let fields = TextRow.fields(head[..<end])
        guard fields.count == 2, let words = integer(fields[0]), let dimension = integer(fields[1]) else { return nil }
        return Header(words: words, dimension: dimension, length: end + 1)
    }

    /// Whether a line has two whole numbers, which are no header, and the next one is wider.
    private static func isWrongHeader(_ line: ArraySlice<UInt8>, before next: ArraySlice<UInt8>) -> Bool {
        let fields = TextRow.fields(line)
        return fields.count == 2 && TextRow.fields(next).count > 2
            && fields.allSatisfy { field in
                let digits = field.first == 0x2D || field.first == 0x2B ? field.dropFirst() : field
                return !digits.isEmpty && digits.allSatisfy { 0x30...0x39 ~= $0 }
            }
    }

    private static func integer(_ digits: ArraySlice<UInt8>) -> Int? {
        digits.allSatisfy { 0x30...0x39 ~= $0 } ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }

    /// Whether raw numbers follow the first word: text has no control characters, and its next line ends in a number.
    private static func isBinary(_ rest: ArraySlice<UInt8>, _ header: Header) -> Bool {
        let line = rest.drop { $0 == 0x0A }.prefix { $0 != 0x0A }
        if !isText(line) { return true }
        let fields = TextRow.fields(line)
        return fields.count < 2
            || TextRow.number(fields[fields.count - (line.endIndex == rest.endIndex ? 2 : 1)]) == nil
    }

    private static func isText(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy { $0 >= 0x20 || $0 == 0x09 || $0 == 0x0D } && isUTF8(bytes)
    }

    /// A scalar that the slice cuts at its end does not count.
    private static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
        (0..<4).contains { String(validating: bytes.dropLast($0), as: UTF8.self) != nil }
    }
}
