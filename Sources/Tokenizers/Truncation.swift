/// How a text that is too long is shortened. Special tokens are always kept.
public struct Truncation: Equatable, Sendable {
    public enum Side: String, Sendable { case left, right }

    /// Which text of a pair gives way.
    public enum Strategy: String, Sendable {
        /// The longer one until both are equally long, then both in turn.
        case longestFirst = "longest_first"
        case onlyFirst = "only_first"
        case onlySecond = "only_second"
    }

    /// The number of tokens to keep, special tokens included.
    public var maxLength: Int
    /// The number of tokens that neighbouring windows share.
    public var stride: Int
    public var side: Side
    public var strategy: Strategy

    public init(maxLength: Int, stride: Int = 0, side: Side = .right, strategy: Strategy = .longestFirst) {
        self.maxLength = maxLength
        self.stride = stride
        self.side = side
        self.strategy = strategy
    }

    /// How many tokens of each text remain.
    ///
    /// Where only one text may give way and that is not enough, it gives way whole and the other one stays.
    ///
    /// - Parameter room: the tokens that there is room for, without special tokens.
    package func lengths(_ first: Int, _ second: Int?, room: Int) -> (first: Int, second: Int) {
        let second = second ?? 0
        let room = max(0, room)
        let excess = first + second - room
        if excess <= 0 { return (first, second) }
        switch strategy {
        case .onlyFirst: return (max(0, first - excess), second)
        case .onlySecond: return (first, max(0, second - excess))
        case .longestFirst:
            var shorter = min(first, second)
            var longer = shorter > room ? shorter : max(shorter, room - shorter)
            if shorter + longer > room {
                shorter = room / 2
                longer = shorter + room % 2
            }
            return first > second ? (longer, shorter) : (shorter, longer)
        }
    }

    /// The windows over `count` tokens with at most `length` in each: the one that is kept, then the overflowing ones.
    func windows(_ count: Int, length: Int) -> [Range<Int>] {
        if count <= length { return [0..<count] }
        if length == 0 { return [0..<0, 0..<count] }
        let step = length - min(max(0, stride), length - 1)
        var result: [Range<Int>] = []
        switch side {
        case .right:
            var start = 0
            while true {
                let end = min(start + length, count)
                result.append(start..<end)
                if end == count { break }
                start += step
            }
        case .left:
            var end = count
            while true {
                let start = max(0, end - length)
                result.append(start..<end)
                if start == 0 { break }
                end -= step
            }
        }
        return result
    }
}
