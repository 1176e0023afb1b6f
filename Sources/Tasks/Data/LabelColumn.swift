public import SystemPackage

/// The labels of a file's examples, each different one kept once: 8 bytes an example.
public struct LabelColumn: Equatable, Sendable {
    /// A label as it is written.
    struct Entry: Equatable, Sendable {
        let label: String
        let listed: [String]?
        /// Of the first example with it.
        let line: Int
    }

    public let file: FilePath
    let separator: String
    /// The names of the head's labels, where the caller gives them.
    let names: [String]?
    /// Whether numbers that are not whole are kept as such, and not as entries of which there may be as many as
    /// examples.
    private let keepsNumbers: Bool
    /// In the order in which they first come.
    private(set) var entries: [Entry] = []
    /// For each example its entry; -1 where it is one of the numbers.
    private(set) var codes: [Int32] = []
    /// For each example, as far as it is one of those that are kept as such; else 0. Empty while none is.
    private(set) var numbers: [Float] = []
    private(set) var firstNumber: Entry?
    private var places: [String: Int32] = [:]

    /// - Parameter keepsNumbers: for many examples whose labels may be measured values.
    public init(_ corpus: Corpus, keepsNumbers: Bool = false) {
        file = corpus.file
        separator = corpus.layout.labelSeparator
        names = corpus.layout.labelNames
        self.keepsNumbers = keepsNumbers
    }

    public var count: Int { codes.count }

    /// How many examples have each entry.
    var counts: [Int] {
        var counts = [Int](repeating: 0, count: entries.count)
        for code in codes where code >= 0 { counts[Int(code)] += 1 }
        return counts
    }

    mutating func append(_ example: LabelledExamples.Example) {
        if keepsNumbers, example.listedLabels == nil, let number = Self.number(example.label),
            number.rounded() != number
        {
            if firstNumber == nil {
                numbers = Array(repeating: 0, count: codes.count)
                firstNumber = Entry(label: example.label, listed: nil, line: example.line)
            }
            codes.append(-1)
            numbers.append(number)
            return
        }
        // A list and a text that looks like it joined are different.
        let key = example.listedLabels.map { "\u{0}" + $0.joined(separator: "\u{0}") } ?? example.label
        let place = places[key] ?? Int32(entries.count)
        if place == entries.count {
            places[key] = place
            entries.append(Entry(label: example.label, listed: example.listedLabels, line: example.line))
        }
        codes.append(place)
        if firstNumber != nil { numbers.append(0) }
    }

    static func number(_ text: String) -> Float? { Float(text).flatMap { $0.isFinite ? $0 : nil } }
}
