/// Words that were tokenized before, with their tokens. One thread's own; it forgets everything when it is full.
struct WordCache: Sendable {
    private static let slotCount = 1 << 16
    private static let maxWords = 1 << 15
    private static let maxBytes = 1 << 20
    /// Longer words are not worth remembering.
    static let longestWord = 128

    private struct Entry: Sendable {
        var hash: UInt64
        var keyStart: Int32
        var keyEnd: Int32
        var pieceStart: Int32
        var pieceEnd: Int32
    }

    private var slots: [Int32] = []
    private var entries: [Entry] = []
    private var keys: [UInt8] = []
    private(set) var pieces: [WordToken] = []

    /// Where the tokens of a word are in `pieces`.
    @inline(__always)
    func find(_ text: Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> Range<Int>? {
        if slots.isEmpty { return nil }
        var slot = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
        while true {
            let index = Int(slots[slot])
            if index < 0 { return nil }
            let entry = entries[index]
            if entry.hash == hash, Int(entry.keyEnd - entry.keyStart) == range.count {
                var i = 0
                while i < range.count, keys[Int(entry.keyStart) + i] == text[range.lowerBound + i] { i += 1 }
                if i == range.count { return Int(entry.pieceStart)..<Int(entry.pieceEnd) }
            }
            slot = (slot + 1) & (Self.slotCount - 1)
        }
    }

    /// Remembers the tokens of a word and tells where they are until the next call. An overlong word is forgotten then.
    @discardableResult
    mutating func insert(_ text: Span<UInt8>, _ range: Range<Int>, hash: UInt64, _ found: [WordToken]) -> Range<Int> {
        if slots.isEmpty || entries.count >= Self.maxWords || keys.count + pieces.count > Self.maxBytes { removeAll() }
        let pieceStart = pieces.count
        pieces.append(contentsOf: found)
        if range.count > Self.longestWord { return pieceStart..<pieces.count }
        var slot = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (Self.slotCount - 1) }
        slots[slot] = Int32(truncatingIfNeeded: entries.count)
        let keyStart = keys.count
        for i in range { keys.append(text[i]) }
        entries.append(
            Entry(
                hash: hash, keyStart: Int32(truncatingIfNeeded: keyStart),
                keyEnd: Int32(truncatingIfNeeded: keys.count), pieceStart: Int32(truncatingIfNeeded: pieceStart),
                pieceEnd: Int32(truncatingIfNeeded: pieces.count)))
        return pieceStart..<pieces.count
    }

    private mutating func removeAll() {
        slots = [Int32](repeating: -1, count: Self.slotCount)
        entries.removeAll(keepingCapacity: true)
        keys.removeAll(keepingCapacity: true)
        pieces.removeAll(keepingCapacity: true)
    }
}
