/// One look at every node that a walk through a charsmap's trie can reach.
///
/// SentencePiece's library trusts its charsmaps: it follows them past their ends, and keeps the matches of one place in 32
/// slots without counting them. So a map is refused that leads outside itself or has more matches, and also one with loops
/// or very long sequences, which would take a walk to the end of the text from each of its places.
///
/// Nodes may share what follows them: each is looked at once, and the time is proportional to the size of the map.
///
/// Source: SentencePiece, `normalizer.cc`; Yata et al. 2008, "Darts-clone".
struct CharsmapSurvey {
    /// The library's room for matches that begin at one place.
    static let mostPrefixes: Int32 = 32
    static let longestSequence: Int32 = 1024

    /// Whether each ASCII code point begins no sequence of ASCII alone.
    let isKept: [Bool]
    /// The bytes of the longest sequence.
    let depth: Int

    private enum State: UInt8 { case new, open, done }

    /// What follows a node: the longest walk, the most sequences that end on one walk, and whether one of ASCII ends.
    private struct Rest {
        var state = State.new
        var depth: Int32 = 0
        var endings: Int32 = 0
        var hasASCII = false
    }

    init(units: [UInt32], replacements: [UInt8]) throws(Charsmap.Problem) {
        guard let root = units.first, root >> 31 == 0, replacements.last == 0 else { throw .pointsOutside }
        // A unit with the label `l` at the place `p` belongs to the node whose children are around `p ^ l`.
        var firstChild = [Int32](repeating: -1, count: units.count)
        var nextChild = firstChild
        for (place, unit) in units.enumerated() where unit >> 31 == 0 {
            let base = place ^ Int(unit & 0xFF)
            if base >= units.count { continue }
            nextChild[place] = firstChild[base]
            firstChild[base] = Int32(truncatingIfNeeded: place)
        }
        var rests = [Rest](repeating: Rest(), count: units.count)
        /// Nodes on the way from the root, each with its next child and the unit that leads to it.
        var path: [(base: Int, child: Int32, unit: UInt32)] = []

        func open(_ base: Int, _ unit: UInt32) throws(Charsmap.Problem) {
            if base | 0xFF >= units.count { throw .pointsOutside }
            if path.count > Self.longestSequence { throw .isTooDeep }
            rests[base].state = .open
            path.append((base, firstChild[base], unit))
        }
        /// Adds what follows a child to what follows its parent.
        func add(_ child: Int, _ unit: UInt32, to base: Int) throws(Charsmap.Problem) {
            let ends = unit >> 8 & 1 == 1
            // A node that ends a sequence points at a replacement.
            if ends, Int(units[child] & (1 << 31 - 1)) >= replacements.count { throw .pointsOutside }
            let rest = rests[child]
            rests[base].depth = max(rests[base].depth, rest.depth + 1)
            rests[base].endings = max(rests[base].endings, rest.endings + (ends ? 1 : 0))
            if unit & 0xFF < 0x80, ends || rest.hasASCII { rests[base].hasASCII = true }
            if rests[base].depth > Self.longestSequence { throw .isTooDeep }
            if rests[base].endings > Self.mostPrefixes { throw .hasTooManyPrefixes }
        }

        try open(Charsmap.offset(root), 0)
        while let (base, place, unit) = path.last {
            guard place >= 0 else {
                rests[base].state = .done
                path.removeLast()
                if let parent = path.last { try add(base, unit, to: parent.base) }
                continue
            }
            path[path.count - 1].child = nextChild[Int(place)]
            let child = Int(place) ^ Charsmap.offset(units[Int(place)])
            guard child < units.count else { throw .pointsOutside }
            switch rests[child].state {
            case .new: try open(child, units[Int(place)])
            case .open: throw .isCyclic
            case .done: try add(child, units[Int(place)], to: base)
            }
        }

        var isKept = [Bool](repeating: true, count: 128)
        var place = firstChild[Charsmap.offset(root)]
        while place >= 0 {
            let unit = units[Int(place)]
            let child = Int(place) ^ Charsmap.offset(unit)
            if unit & 0xFF < 0x80, unit >> 8 & 1 == 1 || rests[child].hasASCII { isKept[Int(unit & 0xFF)] = false }
            place = nextChild[Int(place)]
        }
        self.isKept = isKept
        depth = Int(rests[Charsmap.offset(root)].depth)
    }
}
