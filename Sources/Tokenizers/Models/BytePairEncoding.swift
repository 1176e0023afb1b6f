/// Byte-pair encoding: code points are merged pair by pair in the order in which training found the pairs.
///
/// Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", §3.2; Hugging Face
/// tokenizers 0.23.3, `BPE`.
struct BytePairEncoding: Sendable {
    let vocabulary: Vocabulary
    let merges: MergeTable
    var unknownID: Int32?
    /// What a code point's token begins with unless it begins the word, and ends with where it ends the word.
    var continuingSubwordPrefix: [UInt8] = []
    var endOfWordSuffix: [UInt8] = []
    /// Whether neighbouring unknown code points become one unknown token.
    var fusesUnknown = false
    /// Whether an unknown code point becomes its bytes' tokens, such as `<0xE2>`.
    var fallsBackToBytes = false
    /// Whether a word that is a token is left alone.
    var ignoresMerges = false
    /// The tokens of single bytes, where there are any.
    private let byteIDs: [Int32?]

    init(vocabulary: Vocabulary, merges: MergeTable) {
        self.vocabulary = vocabulary
        self.merges = merges
        byteIDs = ByteFallback.ids(vocabulary)
    }

    /// A symbol of a word while it is being merged.
    struct Symbol: Sendable {
        var id: Int32
        var length: Int32
        var previous: Int32
        var next: Int32
    }

    func tokenize(_ word: Span<UInt8>, symbols: inout [Symbol], heap: inout MergeHeap, pieces: inout [WordToken]) {
        if ignoresMerges, let id = vocabulary.id(word) {
            pieces.append(WordToken(id: id, start: 0, end: Int32(truncatingIfNeeded: word.count)))
            return
        }
        symbols.removeAll(keepingCapacity: true)
        collect(word, &symbols)
        merge(&symbols, &heap, &pieces)
    }

    /// Merges the symbols of a word and appends its tokens.
    func merge(_ symbols: inout [Symbol], _ heap: inout MergeHeap, _ pieces: inout [WordToken]) {
        if symbols.count <= 48 { mergeShort(&symbols) } else { mergeLong(&symbols, &heap) }
        var position: Int32 = 0
        for symbol in symbols where symbol.length > 0 {
            pieces.append(WordToken(id: symbol.id, start: position, end: position + symbol.length))
            position += symbol.length
        }
    }

    /// The symbols of a word's code points.
    private func collect(_ word: Span<UInt8>, _ symbols: inout [Symbol]) {
        var unknown: (id: Int32, length: Int32)?
        func add(_ id: Int32, _ length: Int32) {
            let index = Int32(truncatingIfNeeded: symbols.count)
            symbols.append(Symbol(id: id, length: length, previous: index - 1, next: index + 1))
        }
        let isPlain = continuingSubwordPrefix.isEmpty && endOfWordSuffix.isEmpty
        var i = 0
        while i < word.count {
            let length = word[i] < 0x80 ? 1 : min(UTF8Code.decode(word, at: i).length, word.count - i)
            let range = i..<i + length
            let id: Int32?
            if isPlain {
                var state = Vocabulary.seed
                for k in range { state = Vocabulary.step(state, word[k]) }
                id = vocabulary.find(word, range, state: state)
            } else {
                var decorated: [UInt8] = i > 0 ? continuingSubwordPrefix : []
                for k in range { decorated.append(word[k]) }
                if range.upperBound == word.count { decorated += endOfWordSuffix }
                id = vocabulary.id(decorated.span)
            }
            i += length
            if let id {
                if let pending = unknown {
                    add(pending.id, pending.length)
                    unknown = nil
                }
                add(id, Int32(truncatingIfNeeded: length))
                continue
            }
            if fallsBackToBytes, range.allSatisfy({ byteIDs[Int(word[$0])] != nil }) {
                for k in range { if let id = byteIDs[Int(word[k])] { add(id, 1) } }
                continue
            }
            guard let unknownID else { continue }
            if let pending = unknown {
                if fusesUnknown {
                    unknown = (pending.id, pending.length + Int32(truncatingIfNeeded: length))
                    continue
                }
                add(pending.id, pending.length)
            }
            unknown = (unknownID, Int32(truncatingIfNeeded: length))
        }
        if let pending = unknown { add(pending.id, pending.length) }
        if !symbols.isEmpty { symbols[symbols.count - 1].next = -1 }
    }

    /// Merges the pair of lowest rank, the leftmost of equals, again and again. Quadratic, and fastest on short words.
    private func mergeShort(_ symbols: inout [Symbol]) {
        // `ranks[i]` belongs to symbols i and i + 1.
        var ranks = InlineArray<48, UInt64>(repeating: MergeTable.none)
        var count = symbols.count
        if count < 2 { return }
        for i in 0..<count - 1 { ranks[i] = merges.find(symbols[i].id, symbols[i + 1].id) }
        while count > 1 {
            var best = MergeTable.none
            var place = 0
            for i in 0..<count - 1 where ranks[i] < best {
                best = ranks[i]
                place = i
            }
            if best == MergeTable.none { break }
            symbols[place].id = Int32(truncatingIfNeeded: best & 0xFFFF_FFFF)
            symbols[place].length += symbols[place + 1].length
            for i in place + 1..<max(place + 1, count - 1) {
                symbols[i] = symbols[i + 1]
                ranks[i - 1] = ranks[i]
            }
            // The rank after the removed symbol moved onto `place`; both neighbours are new pairs.
            count -= 1
            ranks[count - 1] = MergeTable.none
            if place < count - 1 { ranks[place] = merges.find(symbols[place].id, symbols[place + 1].id) }
            if place > 0 { ranks[place - 1] = merges.find(symbols[place - 1].id, symbols[place].id) }
        }
        symbols.removeLast(symbols.count - count)
    }

    /// The same with a heap, for words of any length.
    private func mergeLong(_ symbols: inout [Symbol], _ heap: inout MergeHeap) {
        heap.removeAll()
        for i in 0..<symbols.count - 1 {
            let value = merges.find(symbols[i].id, symbols[i + 1].id)
            if value != MergeTable.none { heap.push(value, Int32(truncatingIfNeeded: i)) }
        }
        while let (value, position) = heap.pop() {
            let place = Int(position)
            if symbols[place].length == 0 || symbols[place].next < 0 { continue }
            let right = symbols[Int(symbols[place].next)]
            // An entry may be older than what now stands there.
            if merges.find(symbols[place].id, right.id) != value { continue }
            symbols[Int(symbols[place].next)].length = 0
            symbols[place].id = Int32(truncatingIfNeeded: value & 0xFFFF_FFFF)
            symbols[place].length += right.length
            symbols[place].next = right.next
            if right.next >= 0 {
                symbols[Int(right.next)].previous = position
                let next = merges.find(symbols[place].id, symbols[Int(right.next)].id)
                if next != MergeTable.none { heap.push(next, position) }
            }
            let previous = symbols[place].previous
            if previous >= 0 {
                let before = merges.find(symbols[Int(previous)].id, symbols[place].id)
                if before != MergeTable.none { heap.push(before, previous) }
            }
        }
    }
}

/// Pairs waiting to be merged, lowest rank first and leftmost first among equals.
struct MergeHeap: Sendable {
    private var values: [UInt64] = []
    private var positions: [Int32] = []

    mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        values[a] != values[b] ? values[a] < values[b] : positions[a] < positions[b]
    }

    private mutating func swapAt(_ a: Int, _ b: Int) {
        values.swapAt(a, b)
        positions.swapAt(a, b)
    }

    mutating func push(_ value: UInt64, _ position: Int32) {
        values.append(value)
        positions.append(position)
        var i = values.count - 1
        while i > 0, precedes(i, (i - 1) / 2) {
            swapAt(i, (i - 1) / 2)
            i = (i - 1) / 2
        }
    }

    mutating func pop() -> (value: UInt64, position: Int32)? {
        guard let value = values.first, let position = positions.first else { return nil }
        swapAt(0, values.count - 1)
        values.removeLast()
        positions.removeLast()
        var i = 0
        while true {
            var first = i
            if 2 * i + 1 < values.count, precedes(2 * i + 1, first) { first = 2 * i + 1 }
            if 2 * i + 2 < values.count, precedes(2 * i + 2, first) { first = 2 * i + 2 }
            if first == i { break }
            swapAt(i, first)
            i = first
        }
        return (value, position)
    }
}

/// Tokens that stand for single bytes, such as `<0x0A>`.
enum ByteFallback {
    static func ids(_ vocabulary: Vocabulary) -> [Int32?] {
        let digits = Array("0123456789ABCDEF".utf8)
        return (0..<256).map { byte in
            let token: [UInt8] = [0x3C, 0x30, 0x78, digits[byte >> 4], digits[byte & 15], 0x3E]
            return vocabulary.id(token.span)
        }
    }
}
