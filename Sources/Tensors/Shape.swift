/// The dimensions of a tensor, outermost first.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    public let dimensions: [Int]

    public init(_ dimensions: [Int]) {
        precondition(dimensions.allSatisfy { $0 >= 0 }, "negative dimension in \(dimensions)")
        self.dimensions = dimensions
    }

    public init(arrayLiteral dimensions: Int...) { self.init(dimensions) }

    public var count: Int { dimensions.reduce(1, *) }
    /// The size of the last dimension; 1 for a scalar.
    public var columns: Int { dimensions.last ?? 1 }
    /// All dimensions but the last, taken as one.
    public var rows: Int { dimensions.dropLast().reduce(1, *) }

    public subscript(_ index: Int) -> Int { dimensions[index] }

    public var description: String { dimensions.description }
}
