public import JSON
import Tensors

/// What in the data of a run may make its result worse or its score better than it is.
public struct DataChecks: Equatable, Sendable {
    /// Training examples whose text comes before, with the same label or another one.
    public private(set) var duplicates = 0
    /// Texts that stand in the training data with different labels.
    public private(set) var contradictions = 0
    /// The first of them: two examples, counted from 1.
    private var firstContradiction: (Int, Int)?
    public private(set) var emptyTexts = 0
    private var firstEmpty: String?
    /// Dev examples whose text is in the training data.
    public private(set) var leaked = 0
    /// The number of training examples with each label, where labels are not numbers.
    public private(set) var labelCounts: [LabelCount] = []

    public struct LabelCount: Equatable, Sendable {
        public let label: String
        public let count: Int
    }

    /// - Parameter leaders: the first example with the same text, for each training example.
    init(_ train: CorpusScan, leaders: [Int32], dev: CorpusScan?, labels: [String], targets: Targets) {
        var contradicting = Set<Int32>()
        for (index, leader) in leaders.enumerated() where index != leader {
            duplicates += 1
            if !train.labels.agree(index, Int(leader)), contradicting.insert(leader).inserted {
                contradictions += 1
                if firstContradiction == nil { firstContradiction = (Int(leader) + 1, index + 1) }
            }
        }
        emptyTexts = train.emptyTexts + (dev?.emptyTexts ?? 0)
        firstEmpty = train.firstEmpty
        if let dev {
            let sorted = dev.fingerprints.sorted()
            var found = Set<UInt64>()
            for fingerprint in train.fingerprints where sorted.containsSorted(fingerprint) { found.insert(fingerprint) }
            leaked = dev.fingerprints.count { found.contains($0) }
        }
        var counts = [Int](repeating: 0, count: labels.count)
        switch targets {
        case .classes(let classes): for label in classes { counts[label] += 1 }
        case .labelSets(let sets):
            for row in 0..<sets.rows {
                for (label, value) in sets.row(row).enumerated() where value > 0 { counts[label] += 1 }
            }
        case .values, .tags: return
        }
        labelCounts = zip(labels, counts).map { LabelCount(label: $0, count: $1) }
    }

    public var isClean: Bool { duplicates == 0 && contradictions == 0 && emptyTexts == 0 && leaked == 0 }

    /// What is wrong, one line each.
    public var warnings: [String] { textWarnings + labelWarnings }

    /// Labels with too few examples.
    private var labelWarnings: [String] {
        labelCounts.filter { $0.count < 2 }.map { label in
            "label \"\(label.label)\" has \(label.count == 1 ? "one training example" : "no training example")"
        }
    }

    /// What is wrong with texts.
    public var textWarnings: [String] {
        var lines: [String] = []
        if duplicates > 0 { lines.append("repeated training texts: \(duplicates.grouped) (--drop-duplicates)") }
        if contradictions > 0, let (first, second) = firstContradiction {
            lines.append(
                "texts with different labels: \(contradictions.grouped), first in examples \(first.grouped) "
                    + "and \(second.grouped)")
        }
        if emptyTexts > 0 {
            let place = firstEmpty.map { ", first in \($0)" } ?? ""
            lines.append("empty texts: \(emptyTexts.grouped)\(place)")
        }
        if leaked > 0 {
            lines.append(
                "dev texts that are in the training data too: \(leaked.grouped); they make the dev score too good")
        }
        return lines
    }

    /// The counts of the labels in one line.
    public var labelSummary: String? {
        guard !labelCounts.isEmpty else { return nil }
        let shown = labelCounts.prefix(12).map { "\($0.label) \($0.count.grouped)" }
        let rest = labelCounts.count - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? ", and \(rest) more" : "")
    }

    public var report: JSONObject {
        var counts = JSONObject()
        for label in labelCounts { counts.append(label.label, .integer(label.count)) }
        return [
            "duplicates": .integer(duplicates), "contradictions": .integer(contradictions),
            "emptyTexts": .integer(emptyTexts), "leakedFromTrain": .integer(leaked), "labels": .object(counts),
        ]
    }

    public static func == (a: Self, b: Self) -> Bool { a.report == b.report }
}

extension LabelColumn {
    /// Whether two examples are labelled alike.
    func agree(_ first: Int, _ second: Int) -> Bool {
        codes[first] == codes[second] && (codes[first] >= 0 || numbers[first] == numbers[second])
    }
}

extension [UInt64] {
    fileprivate func containsSorted(_ value: UInt64) -> Bool {
        var range = 0..<count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if self[middle] == value { return true }
            range = self[middle] < value ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return false
    }
}
