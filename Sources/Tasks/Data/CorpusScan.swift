public import SystemPackage

/// What one pass over a corpus tells: labels and what texts are alike, but not the texts. About 16 bytes an example.
public struct CorpusScan: Sendable {
    public let corpus: Corpus
    public let count: Int
    public private(set) var labels: LabelColumn
    /// Of each text; texts that differ in case and blanks alone have the same.
    private(set) var fingerprints: [UInt64]
    /// Examples without anything in the text, and the first of them.
    let emptyTexts: Int
    /// Where the first of them stands: its line, or its file.
    let firstEmpty: String?

    public var file: FilePath { corpus.file }

    /// What was found out about the file, for the user.
    public var description: String {
        "\(file): \(corpus.layout.description), \(count.grouped) example\(count == 1 ? "" : "s")"
    }

    /// - Parameter keepsNumbers: whether numbers that are not whole may be kept as such: where they are not to be labels.
    public init(_ corpus: Corpus, keepsNumbers: Bool = false) throws(CorpusError) {
        self.corpus = corpus
        var labels = LabelColumn(corpus, keepsNumbers: keepsNumbers)
        var fingerprints: [UInt64] = []
        var (emptyTexts, firstEmpty) = (0, String?.none)
        try corpus.forEachWindow(TextFingerprint.added(to:)) { (window) throws(CorpusError) in
            for (example, fingerprint) in window {
                if fingerprint == TextFingerprint.empty {
                    emptyTexts += 1
                    if firstEmpty == nil { firstEmpty = corpus.place(ofExample: fingerprints.count, example.line) }
                }
                labels.append(example)
                fingerprints.append(fingerprint)
            }
        }
        if fingerprints.isEmpty { throw .noExamples(corpus.file) }
        count = fingerprints.count
        self.labels = labels
        self.fingerprints = fingerprints
        self.emptyTexts = emptyTexts
        self.firstEmpty = firstEmpty
    }

    /// Gives back what is kept of each example.
    mutating func releaseExamples() {
        labels = LabelColumn(corpus)
        fingerprints = []
    }
}

/// A number for a text by which its copies are found, whatever their case and blanks.
enum TextFingerprint {
    /// That of texts without anything but blanks.
    static let empty: UInt64 = 0

    static func added(to example: LabelledExamples.Example) -> (LabelledExamples.Example, UInt64) {
        (example, of(example))
    }

    static func of(_ example: LabelledExamples.Example) -> UInt64 { of(example.text, pair: example.pair) }

    static func of(_ text: String, pair: String? = nil) -> UInt64 {
        var hash = offsetBasis
        var isEmpty = !add(text, to: &hash)
        if let pair {
            mix(0x1F, into: &hash)
            if add(pair, to: &hash) { isEmpty = false }
        }
        return isEmpty ? empty : max(1, hash)
    }

    /// - Returns: whether there is anything but blanks.
    private static func add(_ text: String, to hash: inout UInt64) -> Bool {
        var words = WordMixer(hash: hash)
        if text.utf8.allSatisfy({ $0 < 0x80 }) {
            for byte in text.utf8 {
                let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                words.add(UInt32(isUpper ? byte | 0x20 : byte), isBlank: byte == 0x20 || byte >= 0x09 && byte <= 0x0D)
            }
        } else {
            for scalar in text.lowercased().unicodeScalars {
                words.add(scalar.value, isBlank: scalar.properties.isWhitespace)
            }
        }
        hash = words.hash
        return words.hasWord
    }

    /// Mixes the characters of words, and one blank between words.
    private struct WordMixer {
        var hash: UInt64
        var hasWord = false
        private var blankBefore = false

        init(hash: UInt64) { self.hash = hash }

        @inline(__always)
        mutating func add(_ scalar: UInt32, isBlank: Bool) {
            if isBlank {
                blankBefore = hasWord
                return
            }
            if blankBefore { mix(0x20, into: &hash) }
            (hasWord, blankBefore) = (true, false)
            mix(scalar, into: &hash)
        }
    }

    // FNV-1a on scalars instead of bytes, and a stronger last step. Source: Fowler, Noll and Vo, RFC 9923.
    private static let offsetBasis: UInt64 = 0xCBF2_9CE4_8422_2325

    @inline(__always)
    private static func mix(_ value: UInt32, into hash: inout UInt64) {
        hash = (hash ^ UInt64(value)) &* 0x0000_0100_0000_01B3
        hash ^= hash >> 29
    }
}

extension Int {
    /// With commas between thousands.
    var grouped: String {
        var digits = ""
        for (place, digit) in String(magnitude).reversed().enumerated() {
            if place > 0, place % 3 == 0 { digits.append(",") }
            digits.append(digit)
        }
        return (self < 0 ? "-" : "") + String(digits.reversed())
    }
}
