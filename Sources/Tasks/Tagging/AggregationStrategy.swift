/// A token of a text with the probabilities of all labels.
struct TaggedToken: Equatable, Sendable {
    let scores: [Float]
    /// In the text, in Unicode scalars.
    let range: Range<Int>
    let continuesWord: Bool
}

/// A stretch of a text with one label.
public struct Entity: Equatable, Sendable {
    public let label: String
    public let score: Float
    /// In Unicode scalars.
    public let range: Range<Int>

    public init(label: String, score: Float, range: Range<Int>) {
        self.label = label
        self.score = score
        self.range = range
    }
}

/// How labelled tokens become entities: what transformers' token classification pipeline calls `aggregation_strategy`.
public enum AggregationStrategy: String, Sendable, CaseIterable {
    /// Every token for itself, with its whole label.
    case none
    /// Neighbouring tokens with the same label, without `B-` and `I-`.
    case simple
    /// Of each word the label of its first token, then as `simple`.
    case first
    /// Of each word the label with the highest mean, then as `simple`.
    case average
    /// Of each word the label of its most certain token, then as `simple`.
    case max

    /// The label of what is no entity.
    static let outside = "O"

    func entities(_ tokens: [TaggedToken], labels: [String]) -> [Entity] {
        let units =
            switch self {
            case .none, .simple: tokens.map { entity([$0], $0.scores, labels) }
            case .first: words(tokens).map { entity($0, $0[0].scores, labels) }
            case .average: words(tokens).map { entity($0, Self.mean($0.map(\.scores)), labels) }
            case .max: words(tokens).map { entity($0, Self.mostCertain($0.map(\.scores)), labels) }
            }
        let all = self == .none ? units : group(units)
        return all.filter { $0.label != Self.outside }
    }

    private func entity(_ tokens: [TaggedToken], _ scores: [Float], _ labels: [String]) -> Entity {
        let best = Self.largest(scores)
        return Entity(
            label: labels[best], score: scores[best],
            range: tokens[0].range.lowerBound..<tokens[tokens.count - 1].range.upperBound)
    }

    private func words(_ tokens: [TaggedToken]) -> [[TaggedToken]] {
        var words: [[TaggedToken]] = []
        for token in tokens {
            if token.continuesWord, !words.isEmpty {
                words[words.count - 1].append(token)
            } else {
                words.append([token])
            }
        }
        return words
    }

    /// Joins neighbours with one tag, unless the later one begins an entity of its own.
    private func group(_ units: [Entity]) -> [Entity] {
        var groups: [[Entity]] = []
        for unit in units {
            if let last = groups.last?.last, !unit.label.hasPrefix("B-"), Self.tag(last.label) == Self.tag(unit.label) {
                groups[groups.count - 1].append(unit)
            } else {
                groups.append([unit])
            }
        }
        return groups.map { members in
            let name = members[0].label.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            return Entity(
                label: String(name[name.count - 1]),
                score: members.reduce(0) { $0 + $1.score } / Float(members.count),
                range: members[0].range.lowerBound..<members[members.count - 1].range.upperBound)
        }
    }

    /// The label without `B-` and `I-`.
    private static func tag(_ label: String) -> Substring {
        label.hasPrefix("B-") || label.hasPrefix("I-") ? label.dropFirst(2) : label[...]
    }

    private static func largest(_ scores: [Float]) -> Int {
        // The first of equal ones.
        scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
    }

    private static func mean(_ rows: [[Float]]) -> [Float] {
        rows[0].indices.map { column in rows.reduce(0) { $0 + $1[column] } / Float(rows.count) }
    }

    private static func mostCertain(_ rows: [[Float]]) -> [Float] {
        rows.dropFirst().reduce(rows[0]) { ($1.max() ?? 0) > ($0.max() ?? 0) ? $1 : $0 }
    }
}
