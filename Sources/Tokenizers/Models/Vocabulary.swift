/// Tokens and their ids, found by their UTF-8 bytes.
///
/// One flat table with open addressing over all tokens' bytes. Hash states grow byte by byte, so that a matcher can
/// look up every prefix of a word after one walk over it. Nothing is compared by canonical equivalence.
struct Vocabulary: Sendable {
    /// State of the hash of the empty text.
    static let seed: UInt64 = 0xCBF2_9CE4_8422_2325

    /// All tokens' bytes, one after another.
    private var text: [UInt8] = []
    /// Entry `e` is `text[bounds[e]..<bounds[e + 1]]`.
    private var bounds: [Int32] = [0]
    /// The id of each entry.
    private var ids: [Int32] = []
    /// The high half of a hash, and below it the entry plus one; 0 where empty.
    private var slots: [UInt64]
    private var mask: Int
    /// The entry of each id, or -1.
    private var entries: [Int32] = []
    /// The entries of ids too far apart for an array.
    private var sparseEntries: [Int32: Int32] = [:]
    /// Length in bytes of the longest token.
    private(set) var longestToken = 0

    init(capacity: Int) {
        var slotCount = 16
        while slotCount < 2 * capacity { slotCount *= 2 }
        slots = [UInt64](repeating: 0, count: slotCount)
        mask = slotCount - 1
        text.reserveCapacity(8 * capacity)
        bounds.reserveCapacity(capacity + 1)
        ids.reserveCapacity(capacity)
        entries.reserveCapacity(capacity)
    }

    /// The number of different tokens.
    var count: Int { ids.count }
    /// One more than the largest id.
    var idLimit: Int { max(entries.count, sparseEntries.keys.max().map { Int($0) + 1 } ?? 0) }

    @inline(__always)
    static func step(_ state: UInt64, _ byte: UInt8) -> UInt64 { (state ^ UInt64(byte)) &* 0x100_0000_01B3 }

    @inline(__always)
    static func finish(_ state: UInt64) -> UInt64 {
        let mixed = (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
        return mixed ^ mixed >> 32
    }

    static func hash(_ bytes: Span<UInt8>, from state: UInt64 = seed) -> UInt64 {
        var state = state
        for i in bytes.indices { state = step(state, bytes[i]) }
        return state
    }

    /// Adds a token. A token that is there already takes the new id.
    mutating func insert(_ token: Span<UInt8>, id: Int32) {
        let hash = Self.finish(Self.hash(token))
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            if slots[slot] >> 32 == hash >> 32 {
                let entry = Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1
                if matches(entry, token, 0..<token.count, skipping: 0) {
                    ids[entry] = id
                    setEntry(Int32(truncatingIfNeeded: entry), of: id)
                    return
                }
            }
            slot = (slot + 1) & mask
        }
        for i in token.indices { text.append(token[i]) }
        bounds.append(Int32(truncatingIfNeeded: text.count))
        ids.append(id)
        slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(ids.count)
        setEntry(Int32(truncatingIfNeeded: ids.count - 1), of: id)
        longestToken = max(longestToken, token.count)
        if 2 * ids.count > slots.count { grow() }
    }

    mutating func insert(_ token: String, id: Int32) {
        let bytes = Array(token.utf8)
        insert(bytes.span, id: id)
    }

    private mutating func setEntry(_ entry: Int32, of id: Int32) {
        let index = Int(id)
        if index < entries.count {
            entries[index] = entry
        } else if index < 4 * ids.count + 65536 {
            while entries.count < index { entries.append(-1) }
            entries.append(entry)
        } else {
            sparseEntries[id] = entry
        }
    }

    private mutating func grow() {
        var larger = [UInt64](repeating: 0, count: 2 * slots.count)
        mask = larger.count - 1
        for entry in ids.indices {
            let range = Int(bounds[entry])..<Int(bounds[entry + 1])
            let hash = Self.finish(Self.hash(text.span.extracting(range)))
            var slot = Int(truncatingIfNeeded: hash) & mask
            while larger[slot] != 0 { slot = (slot + 1) & mask }
            larger[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(entry + 1)
        }
        slots = larger
    }

    /// Whether an entry's bytes after the first `skipped` ones are those of a range.
    @inline(__always)
    private func matches(_ entry: Int, _ bytes: Span<UInt8>, _ range: Range<Int>, skipping skipped: Int) -> Bool {
        let start = Int(bounds[entry]) + skipped
        guard Int(bounds[entry + 1]) - start == range.count else { return false }
        var i = 0
        while i < range.count {
            if text[start + i] != bytes[range.lowerBound + i] { return false }
            i += 1
        }
        return true
    }

    /// The id of the token whose bytes are a range of `bytes`, after a prefix of `skipped` bytes that is part of
    /// `state` already.
    ///
    /// - Parameter state: the hash state after the prefix and the range.
    @inline(__always)
    func find(_ bytes: Span<UInt8>, _ range: Range<Int>, state: UInt64, skipping skipped: Int = 0) -> Int32? {
        let hash = Self.finish(state)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let value = slots[slot]
            if value == 0 { return nil }
            if value >> 32 == hash >> 32 {
                let entry = Int(truncatingIfNeeded: value & 0xFFFF_FFFF) - 1
                if matches(entry, bytes, range, skipping: skipped) { return ids[entry] }
            }
            slot = (slot + 1) & mask
        }
    }

    func id(_ bytes: Span<UInt8>) -> Int32? { find(bytes, 0..<bytes.count, state: Self.hash(bytes)) }

    func id(_ token: String) -> Int32? {
        let bytes = Array(token.utf8)
        return id(bytes.span)
    }

    private func entry(of id: Int32) -> Int? {
        if id >= 0, Int(id) < entries.count {
            let entry = Int(entries[Int(id)])
            return entry >= 0 && ids[entry] == id ? entry : nil
        }
        return sparseEntries[id].map(Int.init)
    }

    /// The bytes of the token with an id.
    func bytes(of id: Int32) -> ArraySlice<UInt8>? {
        entry(of: id).map { text[Int(bounds[$0])..<Int(bounds[$0 + 1])] }
    }

    func token(of id: Int32) -> String? { bytes(of: id).map { String(decoding: $0, as: UTF8.self) } }

    /// Every token with its id, in the order they were added.
    func forEach(_ body: (ArraySlice<UInt8>, Int32) -> Void) {
        for entry in ids.indices { body(text[Int(bounds[entry])..<Int(bounds[entry + 1])], ids[entry]) }
    }
}
