/// The merges of a byte-pair encoding: which two symbols become which one, and how early.
struct MergeTable: Sendable {
    /// Two symbols' ids, the left one high; `UInt64.max` where empty.
    private var keys: [UInt64]
    /// The rank above the id of the merged symbol.
    private var values: [UInt64]
    private let mask: Int

    static let none = UInt64.max

    init(capacity: Int) {
        var count = 16
        while count < 2 * capacity { count *= 2 }
        keys = [UInt64](repeating: Self.none, count: count)
        values = [UInt64](repeating: Self.none, count: count)
        mask = count - 1
    }

    @inline(__always)
    private func slot(_ key: UInt64) -> Int {
        let hash = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: hash >> 29) & mask
    }

    /// A pair that is merged twice takes the later rank, as in the reference.
    mutating func insert(_ left: Int32, _ right: Int32, rank: Int, merged: Int32) {
        let key = Self.key(left, right)
        var slot = slot(key)
        while keys[slot] != Self.none, keys[slot] != key { slot = (slot + 1) & mask }
        keys[slot] = key
        values[slot] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merged))
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The rank above the merged symbol's id, or `none`. Ranks compare as these values do.
    @inline(__always)
    func find(_ left: Int32, _ right: Int32) -> UInt64 {
        let key = Self.key(left, right)
        var slot = slot(key)
        while true {
            let found = keys[slot]
            if found == key { return values[slot] }
            if found == Self.none { return Self.none }
            slot = (slot + 1) & mask
        }
    }
}
