/// Lists of indices, one behind the other.
package struct IndexLists: Sendable {
    package private(set) var values: [Int32] = []
    private(set) var ends: [Int] = []
    /// -1 without any.
    private(set) var largest: Int32 = -1

    package init() {}

    package var count: Int { ends.count }

    package mutating func append(_ list: some Sequence<Int32>) {
        for value in list {
            precondition(value >= 0, "index \(value)")
            values.append(value)
            largest = max(largest, value)
        }
        ends.append(values.count)
    }

    @inline(__always)
    func range(_ list: Int) -> Range<Int> { (list == 0 ? 0 : ends[list - 1])..<ends[list] }
}
