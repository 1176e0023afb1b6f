/// A table of which only some rows are not zero: the gradient of an embedding table.
public struct SparseRows: Equatable, Sendable {
    /// The shape of the whole table.
    public let shape: Shape
    /// The rows that are not zero, ascending, each once.
    public private(set) var rows: [Int32]
    /// Their values, `[rows.count, columns]`.
    public private(set) var values: Tensor

    /// The sum of `values`' rows, each standing at the table's row that `indices` names.
    public init(shape: Shape, indices: [Int32], values: Tensor) {
        precondition(values.rows == indices.count && values.columns == shape.columns, "\(values.shape) into \(shape)")
        self.shape = shape
        rows = Set(indices).sorted()
        let slots = Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($1, Int32($0)) })
        self.values = .zeros([rows.count, shape.columns])
        self.values.scatterAdd(values, at: indices.map { slots[$0]! })
    }

    /// - Parameter rows: ascending, each once.
    init(shape: Shape, sorted rows: [Int32], _ values: Tensor) {
        self.shape = shape
        self.rows = rows
        self.values = values
    }

    public mutating func add(_ other: SparseRows) {
        self = SparseRows(
            shape: shape, indices: rows + other.rows,
            values: Tensor([rows.count + other.rows.count, shape.columns], values.values + other.values.values))
    }

    /// The whole table.
    public var dense: Tensor {
        var table = Tensor.zeros(shape)
        table.scatterAdd(values, at: rows)
        return table
    }
}
