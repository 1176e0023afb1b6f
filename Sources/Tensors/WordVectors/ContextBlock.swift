/// Words of a text that are learned from together.
package struct ContextBlock: Sendable {
    /// Words, line behind line.
    package var words: [Int32] = []
    /// For each word the range of words in which its context lies, itself included.
    package var windows: [Range<Int32>] = []

    package init() {}

    /// Learns from a line: each word's window reaches up to `window` words to both sides, how far is drawn.
    package mutating func add(line: some Collection<Int32>, window: Int, random: RandomSource) {
        let start = Int32(words.count)
        words.append(contentsOf: line)
        let end = Int32(words.count)
        for place in start..<end {
            let reach = Int32(1 + random.next() % UInt64(window))
            windows.append(max(start, place - reach)..<min(end, place + reach + 1))
        }
    }
}
