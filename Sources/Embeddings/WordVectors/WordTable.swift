import Tensors

/// The words of a model, each with its row: a hash table over the words' bytes, in memory or mapped.
struct WordTable: Sendable {
    let count: Int
    /// The words, one behind the other.
    let text: BorrowedBytes
    /// Where each word ends in `text`: UInt32.
    let ends: BorrowedBytes
    /// Row + 1 in the place that a word's hash leads to or behind it, 0 where no word is: UInt32, a power of two of them.
    let slots: BorrowedBytes

    /// The places for a number of words: at most half of them are taken.
    static func slotCount(_ words: Int) -> Int {
        var count = 16
        while count < 2 * words { count *= 2 }
        return count
    }

    /// A word's bytes; nothing where a damaged file says nonsense.
    func bytes(_ row: Int) -> Range<Int> {
        let start = row == 0 ? 0 : Int(ends.load(UInt32.self, at: 4 * (row - 1)))
        let end = Int(ends.load(UInt32.self, at: 4 * row))
        return start <= end && end <= text.count ? start..<end : 0..<0
    }

    func utf8(_ row: Int) -> [UInt8] { unsafe text.withBytes(bytes(row)) { unsafe Array($0) } }

    /// A word's text; bytes that are not UTF-8 become U+FFFD.
    subscript(row: Int) -> String { unsafe text.withBytes(bytes(row)) { unsafe String(decoding: $0, as: UTF8.self) } }

    /// Whether a word has a byte in it that ends words in C and in fastText's files.
    func hasZeroByte(_ row: Int) -> Bool { unsafe text.withBytes(bytes(row)) { unsafe $0.contains(0) } }

    func row(of word: String) -> Int? {
        var word = word
        return word.withUTF8 { unsafe row(of: UnsafeRawBufferPointer($0)) }
    }

    func row(of word: UnsafeRawBufferPointer) -> Int? {
        let mask = slots.count / 4 - 1
        var slot = Int(truncatingIfNeeded: unsafe Self.hash(word)) & mask
        for _ in 0...mask {
            let row = Int(slots.load(UInt32.self, at: 4 * slot)) - 1
            guard row >= 0, row < count else { return nil }
            if unsafe text.withBytes(bytes(row), { unsafe $0.elementsEqual(word) }) { return row }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The slots as many as `slotCount` says.
    var compactSlots: BorrowedBytes {
        if slots.count == 4 * Self.slotCount(count) { return slots }
        var builder = WordTableBuilder(capacity: count)
        for row in 0..<count {
            _ = unsafe text.withBytes(bytes(row)) { unsafe builder.add($0, keepsDuplicates: true) }
        }
        return builder.table.slots
    }

    /// FNV-1a over 64 bits, its high half mixed into the low one, which chooses the slot.
    static func hash(_ word: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for i in word.indices { hash = (hash ^ UInt64(unsafe word[i])) &* 0x100_0000_01B3 }
        return hash ^ hash >> 32
    }
}

/// A word table being filled. Of equal words the first one counts.
struct WordTableBuilder {
    private(set) var text: [UInt8] = []
    private var ends: [UInt32] = []
    private var slots: [UInt32]

    init(capacity: Int) {
        slots = [UInt32](repeating: 0, count: WordTable.slotCount(capacity))
        ends.reserveCapacity(capacity)
    }

    var count: Int { ends.count }

    /// - Parameter keepsDuplicates: whether a word that is there already gets a row that no look-up finds.
    /// - Returns: whether the word is new; `nil` where there is no room for more.
    mutating func add(_ word: UnsafeRawBufferPointer, keepsDuplicates: Bool = false) -> Bool? {
        guard let (_, isNew) = unsafe find(orAdd: word) else { return nil }
        if !isNew, keepsDuplicates {
            guard unsafe append(word) else { return nil }
        }
        return isNew
    }

    /// The row of a word, a new one if need be; `nil` where there is no room for it.
    mutating func find(orAdd word: UnsafeRawBufferPointer) -> (row: Int, isNew: Bool)? {
        if 2 * (ends.count + 1) > slots.count { grow() }
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: unsafe WordTable.hash(word)) & mask
        while slots[slot] != 0 {
            let row = Int(slots[slot]) - 1
            if unsafe text[bytes(row)].elementsEqual(word) { return (row, false) }
            slot = (slot + 1) & mask
        }
        guard unsafe append(word) else { return nil }
        slots[slot] = UInt32(ends.count)
        return (ends.count - 1, true)
    }

    private mutating func append(_ word: UnsafeRawBufferPointer) -> Bool {
        guard text.count + word.count <= Int(UInt32.max) else { return false }
        unsafe text.append(contentsOf: word)
        ends.append(UInt32(text.count))
        return true
    }

    var table: WordTable {
        WordTable(count: ends.count, text: BorrowedBytes(text), ends: BorrowedBytes(ends), slots: BorrowedBytes(slots))
    }

    func bytes(_ row: Int) -> Range<Int> { (row == 0 ? 0 : Int(ends[row - 1]))..<Int(ends[row]) }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: 2 * slots.count)
        let mask = slots.count - 1
        for row in ends.indices {
            let hash = unsafe text[bytes(row)].withUnsafeBytes { unsafe WordTable.hash($0) }
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = UInt32(row + 1)
        }
    }
}
