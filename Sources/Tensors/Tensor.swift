/// An array of `Float` that knows its dimensions: row-major, contiguous, without strides or views.
public struct Tensor: Equatable, Sendable {
    public let shape: Shape
    public private(set) var values: [Float]

    /// - Precondition: there are as many values as the shape says.
    public init(_ shape: Shape, _ values: [Float]) {
        precondition(values.count == shape.count, "\(values.count) values for shape \(shape)")
        self.shape = shape
        self.values = values
    }

    public init(repeating value: Float, _ shape: Shape) {
        self.init(shape, [Float](repeating: value, count: shape.count))
    }

    public static func zeros(_ shape: Shape) -> Tensor { Tensor(repeating: 0, shape) }

    /// A tensor whose values are written before they are read.
    package static func uninitialized(_ shape: Shape) -> Tensor {
        let count = shape.count
        return Tensor(
            shape, unsafe [Float](unsafeUninitializedCapacity: capacity(for: count)) { _, size in size = count })
    }

    public var count: Int { values.count }
    public var rows: Int { shape.rows }
    public var columns: Int { shape.columns }

    /// One row of the last dimension.
    public func row(_ index: Int) -> ArraySlice<Float> { values[index * columns..<(index + 1) * columns] }

    /// The same values under another shape of the same size.
    public func reshaped(_ shape: Shape) -> Tensor { Tensor(shape, values) }

    /// Rows `range` as a tensor of their own, `[range.count, columns]`.
    public func rows(_ range: Range<Int>) -> Tensor {
        Tensor([range.count, columns], Array(values[range.lowerBound * columns..<range.upperBound * columns]))
    }

    /// Gives the values to be changed in place; a copy is made only if somebody else holds them.
    public mutating func mutate<Result>(_ body: (inout [Float]) throws -> Result) rethrows -> Result {
        let count = values.count
        defer { precondition(values.count == count, "the number of values changed") }
        return try body(&values)
    }
}

extension Tensor {
    /// The largest absolute difference between two tensors of one shape.
    public func largestDifference(from other: Tensor) -> Float {
        precondition(shape == other.shape, "shapes \(shape) and \(other.shape) differ")
        return zip(values, other.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    public var isFinite: Bool {
        // One exponent of all ones makes the sum of the products with zero not a number.
        let values = values.span
        var sum: Float = 0
        for i in values.indices { sum += values[i] * 0 }
        return sum == 0
    }
}

/// Of large arrays, more elements than needed, of few different numbers: what a part of a batch gives back fits the next,
/// whose texts are a little longer.
func capacity(for count: Int) -> Int {
    guard count >= 1 << 16 else { return count }
    // Three bits behind the first.
    let shift = Int.bitWidth - 4 - count.leadingZeroBitCount
    return ((count - 1) >> shift + 1) << shift
}
