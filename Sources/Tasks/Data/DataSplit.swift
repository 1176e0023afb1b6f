import Tensors

/// Divides examples into parts in which every label has its share. Copies of a text stay together.
struct DataSplit {
    /// For each example the first one with the same text.
    private let leaders: [Int32]
    /// For each example what is to have its share in every part.
    private let strata: [Int32]
    /// Which examples are in no part.
    private let isLeftOut: [Bool]

    init(leaders: [Int32], _ targets: Targets, isLeftOut: [Bool]) {
        self.leaders = leaders
        self.isLeftOut = isLeftOut
        strata = Self.strata(targets)
    }

    /// The first example with the same text, for each one.
    static func leaders(_ fingerprints: [UInt64]) -> [Int32] {
        let order = fingerprints.indices.map { Int32($0) }.sorted {
            (fingerprints[Int($0)], $0) < (fingerprints[Int($1)], $1)
        }
        var leaders = [Int32](repeating: 0, count: fingerprints.count)
        for (place, index) in order.enumerated() {
            let isCopy = place > 0 && fingerprints[Int(order[place - 1])] == fingerprints[Int(index)]
            leaders[Int(index)] = isCopy ? leaders[Int(order[place - 1])] : index
        }
        return leaders
    }

    /// The label; of a set its rarest label; of numbers a tenth of their range, by rank.
    ///
    /// Source: of the rarest label first: Sechidis et al. 2011, "On the Stratification of Multi-label Data", §3.
    static func strata(_ targets: Targets) -> [Int32] {
        switch targets {
        case .classes(let classes): return classes.map { Int32($0) }
        case .tags(let texts): return texts.map { _ in 0 }
        case .labelSets(let sets):
            var counts = [Float](repeating: 0, count: sets.columns)
            for row in 0..<sets.rows { for (label, value) in sets.row(row).enumerated() { counts[label] += value } }
            return (0..<sets.rows).map { row in
                let labels = sets.row(row).enumerated().filter { $0.element > 0 }.map(\.offset)
                return Int32(labels.min { (counts[$0], $0) < (counts[$1], $1) } ?? -1)
            }
        case .values(let values):
            let order = (0..<values.rows).sorted { (values.row($0).first!, $0) < (values.row($1).first!, $1) }
            var strata = [Int32](repeating: 0, count: values.rows)
            for (rank, row) in order.enumerated() { strata[row] = Int32(rank * 10 / order.count) }
            return strata
        }
    }

    /// Examples that are set aside, at least one and not all of each label that has two different texts.
    ///
    /// - Parameter share: of the examples, between 0 and 1.
    /// - Returns: for each example whether it is one of them.
    func setAside(share: Double, seed: UInt64) -> [Bool] {
        var isAside = [Bool](repeating: false, count: leaders.count)
        let sizes = copies
        for texts in shuffledTexts(seed: seed) where texts.count > 1 {
            let count = texts.reduce(0) { $0 + Int(sizes[Int($1)]) }
            let wanted = max(1, Int((share * Double(count)).rounded()))
            var taken = 0
            for text in texts.dropLast() where taken < wanted {
                isAside[Int(text)] = true
                taken += Int(sizes[Int(text)])
            }
        }
        return leaders.map { isAside[Int($0)] }
    }

    /// Divides the examples into a number of parts of about the same size.
    ///
    /// - Returns: the part of each example.
    func folds(_ count: Int, seed: UInt64) -> [Int16] {
        var foldOfText = [Int16](repeating: 0, count: leaders.count)
        for (place, text) in shuffledTexts(seed: seed).joined().enumerated() {
            foldOfText[Int(text)] = Int16(place % count)
        }
        return leaders.map { foldOfText[Int($0)] }
    }

    /// How many examples have the same text as each first one.
    private var copies: [Int32] {
        var copies = [Int32](repeating: 0, count: leaders.count)
        for (index, leader) in leaders.enumerated() where !isLeftOut[index] { copies[Int(leader)] += 1 }
        return copies
    }

    /// The first examples of all texts in random order, for each stratum.
    private func shuffledTexts(seed: UInt64) -> [[Int32]] {
        var texts: [Int32: [Int32]] = [:]
        for (index, leader) in leaders.enumerated() where index == leader && !isLeftOut[index] {
            texts[strata[index], default: []].append(leader)
        }
        var random = RandomSource(seed: seed)
        return texts.keys.sorted().map { texts[$0]!.shuffled(using: &random) }
    }
}
